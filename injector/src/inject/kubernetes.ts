/**
 * The fields of a Pod that the injector reads or writes. Everything else passes through untouched,
 * so these types are open: an object of the API server's is never rebuilt from them. Fields may be
 * absent or null, as in manifests. Types only.
 */

export type Maybe<T> = T | null | undefined;
export type StringMap = Readonly<Record<string, string>>;

export interface Pod {
  readonly apiVersion?: Maybe<string>;
  readonly kind?: Maybe<string>;
  readonly metadata?: Maybe<Metadata>;
  readonly spec: PodSpec;
}

export interface Metadata {
  readonly name?: Maybe<string>;
  readonly generateName?: Maybe<string>;
  readonly namespace?: Maybe<string>;
  readonly labels?: Maybe<StringMap>;
  readonly annotations?: Maybe<StringMap>;
  readonly ownerReferences?: Maybe<readonly OwnerReference[]>;
}

export interface OwnerReference {
  readonly kind?: Maybe<string>;
  readonly name?: Maybe<string>;
  readonly controller?: Maybe<boolean>;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: Maybe<readonly Container[]>;
  readonly volumes?: Maybe<readonly Volume[]>;
  readonly imagePullSecrets?: Maybe<readonly { readonly name?: Maybe<string> }[]>;
  readonly hostNetwork?: Maybe<boolean>;
  readonly restartPolicy?: Maybe<string>;
  readonly nodeSelector?: Maybe<StringMap>;
  readonly os?: Maybe<{ readonly name?: Maybe<string> }>;
}

export interface Container {
  readonly name: string;
  readonly image?: Maybe<string>;
  readonly imagePullPolicy?: Maybe<string>;
  readonly args?: Maybe<readonly string[]>;
  readonly env?: Maybe<readonly EnvVar[]>;
  readonly ports?: Maybe<readonly ContainerPort[]>;
  readonly resources?: unknown;
  readonly restartPolicy?: Maybe<string>;
  readonly livenessProbe?: Maybe<ProbeSpec>;
  readonly readinessProbe?: Maybe<ProbeSpec>;
  readonly startupProbe?: Maybe<ProbeSpec>;
  readonly lifecycle?: Maybe<{
    readonly postStart?: Maybe<Handler>;
    readonly preStop?: Maybe<Handler>;
  }>;
  readonly securityContext?: unknown;
  readonly volumeMounts?: Maybe<readonly VolumeMount[]>;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: Maybe<string>;
  readonly valueFrom?: unknown;
}

export interface ContainerPort {
  readonly containerPort?: Maybe<number>;
  readonly name?: Maybe<string>;
  readonly protocol?: Maybe<string>;
  readonly hostPort?: Maybe<number>;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: Maybe<boolean>;
}

export interface Volume {
  readonly name: string;
}

/** A number, or the name of a port of the same container. */
export type PortReference = number | string;

export interface Handler {
  readonly exec?: unknown;
  readonly sleep?: unknown;
  readonly httpGet?: Maybe<HttpGet>;
  readonly tcpSocket?: Maybe<{
    readonly port?: Maybe<PortReference>;
    readonly host?: Maybe<string>;
  }>;
  readonly grpc?: Maybe<{ readonly port?: Maybe<number>; readonly service?: Maybe<string> }>;
}

export interface HttpGet {
  readonly port?: Maybe<PortReference>;
  readonly path?: Maybe<string>;
  readonly scheme?: Maybe<string>;
  readonly host?: Maybe<string>;
  readonly httpHeaders?: Maybe<
    readonly { readonly name?: Maybe<string>; readonly value?: Maybe<string> }[]
  >;
}

export interface ProbeSpec extends Handler {
  readonly timeoutSeconds?: Maybe<number>;
}
