package main

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

type runner struct {
	order       order
	connections []*connection
	request     []byte
	frame       []byte
	epoll       int
	timer       int
	// The one that has been idle longest is next: a ring, so that all of them take turns.
	idle  []*connection
	first int
	count int
	// Open loop: requests that were due before and found every connection busy begin at `sent`.
	sent      int
	buffer    []byte
	latencies []int64
	start     time.Time
}

func open(o order) (*runner, error) {
	r := &runner{order: o, buffer: make([]byte, 1<<18), idle: make([]*connection, o.connections)}
	r.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.example\r\nx-role: %s\r\n\r\n", o.path, o.role)
	var err error
	if r.epoll, err = syscall.EpollCreate1(0); err != nil {
		return nil, err
	}
	for range o.connections {
		c, err := dial(o.port)
		if err != nil {
			return nil, err
		}
		if o.webSocket {
			if err := upgrade(c, o); err != nil {
				return nil, err
			}
		}
		if err := r.watch(c.fd, len(r.connections)); err != nil {
			return nil, err
		}
		r.connections = append(r.connections, c)
		r.release(c)
	}
	if o.webSocket {
		r.request, r.frame = frames(o.bytes)
	}
	if o.rate > 0 {
		return r, r.openTimer()
	}
	return r, nil
}

func upgrade(c *connection, o order) error {
	head := "GET %s HTTP/1.1\r\nHost: bench.example\r\nx-role: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if err := syscall.SetNonblock(c.fd, false); err != nil {
		return err
	}
	if _, err := syscall.Write(c.fd, fmt.Appendf(nil, head, o.path, o.role)); err != nil {
		return err
	}
	var answer []byte
	buffer := make([]byte, 4096)
	for !bytes.HasSuffix(answer, headEnd) {
		read, err := syscall.Read(c.fd, buffer)
		if err != nil || read == 0 {
			return fmt.Errorf("not upgraded: %.60q %v", answer, err)
		}
		answer = append(answer, buffer[:read]...)
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 101 ")) ||
		!bytes.Contains(answer, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
		return fmt.Errorf("not upgraded: %.60q", answer)
	}
	return syscall.SetNonblock(c.fd, true)
}

const timerIndex = -1

func (r *runner) watch(fd, index int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
	return syscall.EpollCtl(r.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

func (r *runner) openTimer() error {
	const monotonic, nonBlocking = 1, syscall.O_NONBLOCK
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, monotonic, nonBlocking, 0)
	if errno != 0 {
		return errno
	}
	r.timer = int(fd)
	return r.watch(r.timer, timerIndex)
}

// Timers of epoll are whole milliseconds; this one is as exact as the kernel is.
func (r *runner) arm(nanoseconds int64) error {
	setting := [4]int64{0, 0, nanoseconds / 1e9, max(nanoseconds%1e9, 1)}
	_, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(r.timer), 0,
		uintptr(unsafe.Pointer(&setting)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (r *runner) release(c *connection) {
	r.idle[(r.first+r.count)%len(r.idle)] = c
	r.count++
}

func (r *runner) send(since int64) error {
	c := r.idle[r.first]
	r.first = (r.first + 1) % len(r.idle)
	r.count--
	r.sent++
	return c.send(r.request, since)
}

func (r *runner) now() int64 { return int64(time.Since(r.start)) }

func (r *runner) run() (outcome, error) {
	o := r.order
	limit := o.requests
	if o.rate > 0 {
		limit = min(limit, int(float64(o.rate)*o.duration.Seconds()))
	}
	r.latencies = make([]int64, 0, min(limit, 1<<22))
	r.start = time.Now()
	events := make([]syscall.EpollEvent, 256)
	for {
		if err := r.sendDue(limit); err != nil {
			return outcome{}, err
		}
		if len(r.latencies) == r.sent && (r.sent >= limit || r.over()) {
			break
		}
		// Nothing of this takes seconds: an answer that does is lost.
		ready, err := syscall.EpollWait(r.epoll, events, 10_000)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return outcome{}, err
		}
		if ready == 0 {
			return outcome{}, fmt.Errorf("no answer for 10 s to %d requests", r.sent-len(r.latencies))
		}
		for _, event := range events[:ready] {
			if err := r.react(int(event.Fd)); err != nil {
				return outcome{}, err
			}
		}
	}
	return outcome{Requests: r.sent, Seconds: time.Since(r.start).Seconds(), Latencies: r.latencies}, nil
}

func (r *runner) over() bool { return r.order.rate == 0 && r.now() >= int64(r.order.duration) }

func (r *runner) sendDue(limit int) error {
	if r.order.rate > 0 {
		return r.sendPaced(limit)
	}
	for r.sent < limit && r.count > 0 && r.sent-len(r.latencies) < r.order.inFlight && !r.over() {
		if err := r.send(r.now()); err != nil {
			return err
		}
	}
	return nil
}

// Latency counts from when a request was due, so that a slow answer is not hidden by the requests
// that waited behind it (coordinated omission).
func (r *runner) sendPaced(limit int) error {
	for r.sent < limit {
		due := int64(r.sent) * int64(time.Second) / int64(r.order.rate)
		left := due - r.now()
		if left > 0 {
			return r.arm(left)
		}
		if r.count == 0 {
			return nil
		}
		if err := r.send(due); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) react(index int) error {
	if index == timerIndex {
		_, err := syscall.Read(r.timer, r.buffer[:8])
		if err == syscall.EAGAIN {
			return nil
		}
		return err
	}
	c := r.connections[index]
	read, err := syscall.Read(c.fd, r.buffer)
	if err == syscall.EAGAIN {
		return nil
	}
	if err != nil {
		return err
	}
	if read == 0 {
		return errors.New("the connection was closed")
	}
	complete, err := c.take(r.buffer[:read], &r.order, r.frame)
	if err != nil || !complete {
		return err
	}
	r.latencies = append(r.latencies, r.now()-c.since)
	r.release(c)
	return nil
}
