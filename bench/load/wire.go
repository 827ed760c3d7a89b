package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

const (
	apiProduce     = 0
	apiFetch       = 1
	produceVersion = 7
	fetchVersion   = 11
	frameBytesMax  = 256 << 20
)

type connection struct {
	socket        net.Conn
	reader        *bufio.Reader
	correlationID uint32
	response      []byte
}

func dial(address string) (*connection, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{socket: socket, reader: bufio.NewReaderSize(socket, 64<<10)}, nil
}

// request writes a size and a header (version 1) before the body.
func (c *connection) request(apiKey, version uint16, body []byte) []byte {
	const clientID = "load"
	c.correlationID++
	frame := make([]byte, 4, 4+10+len(clientID)+len(body))
	frame = binary.BigEndian.AppendUint16(frame, apiKey)
	frame = binary.BigEndian.AppendUint16(frame, version)
	frame = binary.BigEndian.AppendUint32(frame, c.correlationID)
	frame = appendString(frame, clientID)
	frame = append(frame, body...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// next returns a response behind its correlation id; the bytes are valid until the next call.
func (c *connection) next() (*fields, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.reader, size[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(size[:])
	if length < 4 || length > frameBytesMax {
		return nil, fmt.Errorf("a response of %d bytes", length)
	}
	if cap(c.response) < int(length) {
		c.response = make([]byte, length)
	}
	c.response = c.response[:length]
	if _, err := io.ReadFull(c.reader, c.response); err != nil {
		return nil, err
	}
	return &fields{bytes: c.response[4:]}, nil
}

func appendString(to []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(text))), text...)
}

var errShort = errors.New("a response that ends early")

// fields reads one field after the other; after the first one that is not there, all are zero and err says so.
type fields struct {
	bytes []byte
	err   error
}

func (f *fields) take(count int) []byte {
	if count < 0 || count > len(f.bytes) {
		f.err, f.bytes = errShort, nil
		return make([]byte, 8)
	}
	taken := f.bytes[:count]
	f.bytes = f.bytes[count:]
	return taken
}

func (f *fields) int16() int16 { return int16(binary.BigEndian.Uint16(f.take(2))) }
func (f *fields) int32() int32 { return int32(binary.BigEndian.Uint32(f.take(4))) }
func (f *fields) int64() int64 { return int64(binary.BigEndian.Uint64(f.take(8))) }
func (f *fields) skipString()  { f.take(max(0, int(f.int16()))) }

// records are bytes that may be null.
func (f *fields) records() []byte {
	if length := int(f.int32()); length > 0 && length <= len(f.bytes) {
		return f.take(length)
	} else if length > 0 {
		f.err = errShort
	}
	return nil
}
