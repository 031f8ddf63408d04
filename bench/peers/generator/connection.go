package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"syscall"
)

var headEnd = []byte("\r\n\r\n")

type connection struct {
	fd int
	// Of a head that came in pieces.
	partial []byte
	// Bytes of the answer that are still to come; -1: its head is.
	missing int
	// When the request was due, or sent, in nanoseconds.
	since int64
}

func dial(port int) (*connection, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	address := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, address); err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	return &connection{fd: fd}, syscall.SetNonblock(fd, true)
}

// Requests are small: one that does not fit into the socket's buffer is a failure.
func (c *connection) send(request []byte, now int64) error {
	c.since = now
	c.missing = -1
	written, err := syscall.Write(c.fd, request)
	if err == nil && written < len(request) {
		err = errors.New("the socket takes no whole request")
	}
	return err
}

// Takes what came; says whether the answer is complete.
func (c *connection) take(chunk []byte, o *order, frame []byte) (bool, error) {
	if o.webSocket {
		return c.takeFrame(chunk, frame)
	}
	if c.missing < 0 {
		if len(c.partial) > 0 {
			chunk = append(c.partial, chunk...)
			c.partial = nil
		}
		end := bytes.Index(chunk, headEnd)
		if end < 0 {
			c.partial = append([]byte(nil), chunk...)
			return false, nil
		}
		length, err := readHead(chunk[:end])
		if err != nil {
			return false, err
		}
		if length != o.bytes {
			return false, fmt.Errorf("an answer of %d bytes instead of %d", length, o.bytes)
		}
		c.missing = length
		chunk = chunk[end+len(headEnd):]
	}
	c.missing -= len(chunk)
	if c.missing < 0 {
		return false, errors.New("more came than was asked for")
	}
	return c.missing == 0, nil
}

func (c *connection) takeFrame(chunk []byte, frame []byte) (bool, error) {
	c.partial = append(c.partial, chunk...)
	if len(c.partial) < len(frame) {
		return false, nil
	}
	if !bytes.Equal(c.partial, frame) {
		return false, errors.New("another frame came back")
	}
	c.partial = c.partial[:0]
	return true, nil
}

func readHead(head []byte) (int, error) {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("answered %.60q", head)
	}
	for line := range bytes.SplitSeq(head, headEnd[:2]) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			return strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	return 0, errors.New("the answer has no content-length")
}

// A masked binary frame (RFC 6455, section 5.2), and the same as it comes back.
func frames(size int) (sent, back []byte) {
	length := []byte{byte(size)}
	if size > 125 {
		length = []byte{126, byte(size >> 8), byte(size)}
	}
	mask := []byte{0x37, 0xfa, 0x21, 0x3d}
	sent = append(append([]byte{0x82, length[0] | 0x80}, length[1:]...), mask...)
	back = append([]byte{0x82}, length...)
	for index := range size {
		sent = append(sent, byte('a'+index%26)^mask[index%4])
		back = append(back, byte('a'+index%26))
	}
	return sent, back
}
