/** Key pairs and serial numbers: the randomness that issuing needs, passed to it as values. */
import { generateKeyPair, randomBytes } from "node:crypto";

export interface KeyPair {
  /** SPKI, PEM. */
  readonly publicKey: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

/** What is different in every certificate. */
export interface Identity {
  readonly keyPair: KeyPair;
  /** Positive, hex, at most 20 octets (RFC 5280, 4.1.2.2). */
  readonly serial: string;
}

/** RSA because node-forge signs with nothing else; made by OpenSSL, off the event loop. */
function createKeyPair(bits: number): Promise<KeyPair> {
  const { promise, resolve, reject } = Promise.withResolvers<KeyPair>();
  const options = {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  } as const;
  generateKeyPair("rsa", options, (error, publicKey, privateKey) => {
    if (error === null) resolve({ publicKey, privateKey });
    else reject(error);
  });
  return promise;
}

/** 127 random bits after a byte that keeps the number positive and its encoding minimal. */
function createSerial(): string {
  return `4${randomBytes(16).toString("hex").slice(1)}`;
}

/** 3072 bits: an authority of ten years outlives what NIST SP 800-57 allows for 2048. */
export const authorityKeyBits = 3072;
export const servingKeyBits = 2048;

export async function createIdentity(bits: number): Promise<Identity> {
  return { keyPair: await createKeyPair(bits), serial: createSerial() };
}
