/** Addresses of sockets, in the form that people and policies know them by. */
import { BlockList, type Socket } from "node:net";
import type { Cidr } from "../config/value.ts";
import type { ClientConnection } from "../http/message.ts";
import type { Endpoint } from "../policy/decision.ts";

/** A dual-stack listener sees IPv4 peers as `::ffff:10.0.0.1`. */
function plain(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

export function peerOf(socket: Socket): Endpoint {
  return { address: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
}

export function localOf(socket: Socket): string {
  return plain(socket.localAddress);
}

/** `port`: the application's. */
export function describeConnection(
  socket: Socket,
  { port, scheme }: { readonly port: number; readonly scheme: "http" | "https" },
): ClientConnection {
  return {
    source: peerOf(socket),
    destination: { address: localOf(socket), port },
    scheme,
    isLoopback: isLoopback(socket),
  };
}

/** From here Istio's proxy in the pod hands on what others sent, in mode `service`. */
const istioAddress = "127.0.0.6";

/** Whether the peer is in the pod itself. */
export function isLoopback(socket: Pick<Socket, "remoteAddress">): boolean {
  const address = plain(socket.remoteAddress);
  return address === "::1" || (address.startsWith("127.") && address !== istioAddress);
}

export function createTrust(cidrs: readonly Cidr[]): (address: string) => boolean {
  if (cidrs.length === 0) return () => false;
  const list = new BlockList();
  for (const { address, prefix, family } of cidrs) list.addSubnet(address, prefix, family);
  return (address) => list.check(address, address.includes(":") ? "ipv6" : "ipv4");
}
