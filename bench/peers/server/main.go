// The application of the measurements where nginx cannot be it: it reads a body to its end before
// it answers, echoes the frames of WebSockets, and answers gRPC with trailers over cleartext HTTP/2.
package main

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 has no other
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
)

func main() {
	addresses := flag.String("listen", "", "addresses, between commas")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/sink", sink)
	mux.HandleFunc("GET /api/socket", socket)
	mux.HandleFunc("POST /api.Echo/Unary", unary)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, Protocols: &protocols}
	ended := make(chan error)
	for address := range strings.SplitSeq(*addresses, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		go func() { ended <- server.Serve(listener) }()
	}
	log.Fatal(<-ended)
}

// Answers how much it got.
func sink(w http.ResponseWriter, r *http.Request) {
	length, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d\n", length)
}

func unary(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	w.Write(message)
	w.Header().Set("Grpc-Status", "0")
}

func socket(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" {
		http.Error(w, "not a WebSocket", http.StatusBadRequest)
		return
	}
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	// RFC 6455, section 4.2.2.
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	echo(connection, buffered.Reader)
}

// Frames come masked and go back unmasked (RFC 6455, section 5.2). The longest that is sent here
// has its length in two bytes.
func echo(connection net.Conn, reader *bufio.Reader) {
	frame := make([]byte, 4+65535)
	var head [8]byte
	for {
		if _, err := io.ReadFull(reader, head[:2]); err != nil {
			return
		}
		size := int(head[1] & 0x7f)
		start := 2
		if size == 126 {
			if _, err := io.ReadFull(reader, head[2:4]); err != nil {
				return
			}
			size = int(binary.BigEndian.Uint16(head[2:4]))
			start = 4
		}
		if size == 127 || head[1]&0x80 == 0 {
			return
		}
		mask := head[4:8]
		if _, err := io.ReadFull(reader, mask); err != nil {
			return
		}
		copy(frame, head[:start])
		frame[1] &= 0x7f
		payload := frame[start : start+size]
		if _, err := io.ReadFull(reader, payload); err != nil {
			return
		}
		for index := range payload {
			payload[index] ^= mask[index%4]
		}
		if _, err := connection.Write(frame[:start+size]); err != nil {
			return
		}
	}
}
