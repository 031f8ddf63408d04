/** Why others do otherwise: a sentence for each that does, group by group. */
import type { GoldenName } from "./golden.ts";

export type Reasons = Readonly<Partial<Record<GoldenName, string>>>;

export const differences: Readonly<Record<string, Reasons>> = {
  "Request line": {
    reference:
      "Node's parser takes two spaces for one; undici, which refuses a target without a slash, cannot send `OPTIONS *`.",
    haproxy:
      "Forwards targets as they are, in absolute form too, and leaves it to the application what a path means; takes white space and bare LF leniently (RFC 9112, 2.2 and 3 allow that) and other minor versions for 1.1.",
    nginx:
      "Leaves the path to the application, decides by the authority of an absolute target as RFC 9112, 3.2.2 has it, and reads white space, missing versions and bare LF leniently. It does not serve TRACE.",
    envoy:
      "Leaves the path to the application unless `normalize_path` and its kin are set, and replaces Host by the authority of an absolute target. Its parser is lenient with white space, versions and bare LF.",
  },
  "Request headers": {
    reference: "Connection is not checked to be a list of tokens.",
    haproxy:
      "Names come out in lower case (a header can be given another case by `h1-case-adjust`). Folded lines are joined and bare LF is taken for CRLF, as RFC 9112 allows recipients; Host is not checked.",
    nginx:
      "Headers whose names have an underscore, or characters that it does not know, are dropped silently (`underscores_in_headers`, `ignore_invalid_headers`), and so are lines that are none; an HTTP/1.0 request needs no Host.",
    envoy:
      "Names come out in lower case, headers of one name together. Folded lines are joined, bare LF is taken for CRLF; of two Hosts, one is made a list.",
  },
  "Request framing": {
    reference:
      "undici sends the head of an upload together with the first bytes of its body, or not at all.",
    haproxy:
      "Transfer-Encoding wins over Content-Length, which it drops, as RFC 9112, 6.3 allows; the same length twice is one length (RFC 9110, 8.6). Lengths are 64 bits. Bare LF and a space are allowed in chunk lines.",
    nginx:
      "An encoding that is not `chunked` is 501, as RFC 9112, 6.1 has it for what is not understood; a tab before a value is not skipped. Bare LF and a space are allowed in chunk lines, and extensions may be of any length.",
    envoy:
      "An encoding that is not `chunked` is 501, as RFC 9112, 6.1 has it for what is not understood. A folded `chunked` counts, chunked in HTTP/1.0 too. The parser allows a space in chunk lines and takes any two bytes for the end of a chunk's data, and extensions may be of any length.",
  },
  "Response framing": {
    reference:
      "undici ignores encodings that it does not know, and the minor version, and loses folded values; an answer that ends with its connection looks whole even after a reset, and chunk extensions have no end.",
    haproxy:
      "An answer that ends with its connection ends the client's connection, too, of HTTP/1.1 as well, so a reset looks like its end. Statuses and versions are passed on unchecked; chunk lines are read leniently.",
    nginx:
      "Reads what the application says leniently: it is meant to stand before applications that are trusted. 101 is passed on to whoever gets it. Server and Date are its own unless `proxy_pass_header` says otherwise.",
    envoy:
      "Reason phrases are its own, and Server, too (`server_header_transformation`). 204 that announces a body is 502. Versions and statuses are checked loosely, and its parser takes bare LF, bare CR in values and any two bytes behind a chunk.",
  },
  Trailers: {
    reference:
      "undici sends no trailers with requests; Node's parser refuses only those that would be framing.",
    haproxy:
      "What belongs into the head, or says who is asking, is passed on as any trailer is; it is the reader's task to ignore it (RFC 9110, 6.5.1). The grammar of trailers is read leniently.",
    nginx: "Drops trailers both ways, as RFC 9110, 6.5.1 allows, and does not read what they say.",
    envoy:
      "With `enable_trailers`, what belongs into the head is passed on as any trailer is. Its parser joins folded trailers and takes bare LF.",
  },
  Expect: {
    reference:
      "undici has no Expect: 100 is said by the bouncer, and the request goes on without it.",
    haproxy:
      "Passes everything through and leaves the connection open after a final answer. Where the application goes away, it closes the connection and says nothing.",
    nginx:
      "Says 100 itself and forwards without Expect, which RFC 9110, 10.1.1 allows whoever will read the body.",
    envoy: "Says 100 itself and forwards without Expect, unless `proxy_100_continue` is set.",
  },
  "Interim answers": {
    reference:
      "undici takes 100 that it did not ask for as a failure, and ignores the length of an interim answer.",
    haproxy: "Passes interim answers on as they are, also to HTTP/1.0.",
    nginx:
      "This version (before 1.29) knows only 101: any other interim answer is taken for the final one.",
    envoy: "Drops interim answers other than 100 and 101, and waits for the final one.",
  },
  "Early answers": {
    reference: "undici waits for the first bytes of the body, and so does the application.",
    haproxy: "Where the application goes away, it closes the connection and says nothing.",
    nginx:
      "An answer that is over ends the request: the rest of the upload is dropped, and the connection to the application closed.",
    envoy:
      "An answer that is over ends the request: the rest of the upload is dropped, and both connections are closed. A lost application is 503.",
  },
  Pipelining: {
    reference:
      "Behind the last request, or in front of a bad one, Node closes the connection before all that came earlier is answered.",
    haproxy: "Takes HTTP/9.9 for 1.1.",
    nginx: "HTTP/9.9 is 505. The rest is about trailers and interim answers: see there.",
    envoy: "Takes HTTP/9.9 for 1.1. The rest is about interim answers: see there.",
  },
  "Connections to the application": {
    reference: "undici waits for the first bytes of the body, and so does the application.",
    haproxy:
      "A lost connection is not tried again unless `retry-on` says so, and then the client's connection is closed without a word, so that the client repeats what it may. The version of the answer is the application's.",
    nginx:
      "Tries a lost connection again (`proxy_next_upstream`): PUT, too, with the body it has kept, and also when an answer has begun, as long as its head is not whole.",
    envoy: "Tries again only with a retry policy; a lost connection is 503, and not 502.",
  },
  Ends: {
    reference:
      "Node closes the connection of a client that ends its side, answered or not, but still forwards what it had pipelined.",
    haproxy:
      "Without `abortonclose`, a client that goes away does not end what the application is doing for it. A head that is cut off is answered with 400.",
    nginx:
      "A client that ends its side is taken to have gone away, unless `proxy_ignore_client_abort` is set.",
    envoy:
      "A client that ends its side is taken to have gone away. A lost application is 503; while a second request waits, it does not notice that the client has gone.",
  },
  "HTTP/1.0 clients": {
    haproxy:
      "Passes on the version and the framing of the application, which is expected to answer in HTTP/1.0.",
    nginx:
      "An answer that is cut off ends as a whole one does; Upgrade is passed on whatever the version.",
    envoy:
      "An answer that is cut off ends as a whole one does; Upgrade is passed on whatever the version.",
  },
  "Headers of one hop": {
    reference: "undici's own Connection says keep-alive; Node adds Keep-Alive to its answers.",
    haproxy:
      "Only Connection itself is taken for a matter of one hop: what it names is passed on, and so are Keep-Alive, Proxy-Connection and the credentials of proxies.",
    nginx:
      "Of requests, Connection, Keep-Alive and TE are its own; what Connection names is passed on, and the credentials of proxies are.",
    envoy:
      "The credentials of proxies are passed on, and what Connection names in answers; a Connection that names Host is refused. TE is passed on without being named.",
  },
  "Who is asking": {
    haproxy:
      "`option forwardfor` adds a line with the client's address; what the client said is removed only by rules of one's own. There is no Via.",
    nginx:
      "`$proxy_add_x_forwarded_for` adds to what the client said, which is removed only by rules of one's own. There is no Via.",
    envoy:
      "With `use_remote_address`, a client from the machine itself is the machine's address, and what it said is kept in front. Via is added if `via` is set.",
  },
  Limits: {
    haproxy:
      "Head and headers have 16 KB (`tune.bufsize`, less 1 KB) and 101 lines (`tune.http.maxhdr`), and 400 is the answer to what is beyond.",
    nginx:
      "A line has 8 KB and a head four of these (`large_client_header_buffers`), an answer's head 4 KB (`proxy_buffer_size`); headers are not counted.",
    envoy:
      "A head has 60 KB and 100 headers (`max_request_headers_kb`, `max_headers_count`), of answers too.",
  },
  "Streams and large bodies": {
    reference: "undici waits for the first bytes of the body, and so does the application.",
    haproxy: "An answer that ends with its connection ends the client's connection, too.",
  },
  Upgrades: {
    reference:
      "Node hands over the connection as soon as an upgrade is asked for: when it is declined, the connection is closed behind the answer.",
    haproxy:
      "Which protocol it is is not looked at. An end of the application ends the tunnel for both; a reset is not passed on to the client.",
    nginx:
      "Which protocol it is, and whether there is a body, is not looked at. An end of either side ends the tunnel; a reset becomes an end.",
    envoy:
      "Only protocols that are listed are upgraded to, all others are 403. An end of either side ends the tunnel, a reset becomes an end, and behind a declined upgrade the connection is closed.",
  },
};
