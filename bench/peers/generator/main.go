// A load generator for what wrk and h2load do not do: requests at fixed times whatever the server
// does (open loop), thousands of connections of which few are busy, WebSocket echo, and connections
// that stay open. One thread on epoll, so that it costs little beside what it measures. It says
// "ready" when its connections are open, begins at a line on its input, prints what it saw as one
// line of JSON, and holds its connections until its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

type order struct {
	port        int
	connections int
	// Requests that may wait for their answers at a time, in a closed loop.
	inFlight int
	// Requests a second of an open loop; 0: closed loop.
	rate int
	// The run ends after so many requests, or after so much time, whichever is first.
	requests  int
	duration  time.Duration
	path      string
	role      string
	webSocket bool
	// Bytes of the body of an answer, or of the payload of a frame.
	bytes int
}

type outcome struct {
	Requests  int     `json:"requests"`
	Seconds   float64 `json:"seconds"`
	Latencies []int64 `json:"latenciesNs"`
}

func main() {
	log.SetFlags(0)
	var o order
	var seconds float64
	flag.IntVar(&o.port, "port", 0, "port on 127.0.0.1")
	flag.IntVar(&o.connections, "connections", 1, "")
	flag.IntVar(&o.inFlight, "in-flight", 1, "")
	flag.IntVar(&o.rate, "rate", 0, "")
	flag.IntVar(&o.requests, "requests", 1<<40, "")
	flag.Float64Var(&seconds, "seconds", 1, "")
	flag.StringVar(&o.path, "path", "/", "")
	flag.StringVar(&o.role, "role", "", "")
	flag.BoolVar(&o.webSocket, "websocket", false, "")
	flag.IntVar(&o.bytes, "bytes", 0, "")
	flag.Parse()
	o.duration = time.Duration(seconds * float64(time.Second))

	// No pauses: what a run allocates is little, and known before it begins.
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	r, err := open(o)
	if err != nil {
		log.Fatalf("cannot connect: %v", err)
	}
	fmt.Println("ready")
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return
	}
	result, err := r.run()
	if err != nil {
		log.Fatalf("cannot measure: %v", err)
	}
	json.NewEncoder(os.Stdout).Encode(result)
	input.ReadString('\n')
}
