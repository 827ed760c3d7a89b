package main

import (
	"encoding/binary"
	"fmt"
	"time"
)

// What Kafka's consumer asks for when nobody tells it otherwise.
const (
	fetchBytesMax     = 50 << 20
	partitionBytesMax = 1 << 20
	fetchWaitMs       = 500
)

type position struct {
	partition int32
	offset    int64
}

// fetcher asks for all its partitions in each request, those that gave records last go to the end, as Kafka's consumer does.
type fetcher struct {
	connection *connection
	topic      string
	positions  []position
	onRecords  func(records []byte)
	// atEnd: what to do with a partition that has no more.
	rewinds bool
}

func (f *fetcher) once() (bytes int, err error) {
	request := f.connection.request(apiFetch, fetchVersion, f.body())
	if _, err := f.connection.socket.Write(request); err != nil {
		return 0, err
	}
	response, err := f.connection.next()
	if err != nil {
		return 0, err
	}
	return f.read(response)
}

func (f *fetcher) body() []byte {
	b := make([]byte, 0, 64+len(f.topic)+28*len(f.positions))
	b = binary.BigEndian.AppendUint32(b, 0xffffffff)
	b = binary.BigEndian.AppendUint32(b, fetchWaitMs)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, fetchBytesMax)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, 0xffffffff)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = appendString(b, f.topic)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.positions)))
	for _, p := range f.positions {
		b = binary.BigEndian.AppendUint32(b, uint32(p.partition))
		b = binary.BigEndian.AppendUint32(b, 0xffffffff)
		b = binary.BigEndian.AppendUint64(b, uint64(p.offset))
		b = binary.BigEndian.AppendUint64(b, ^uint64(0))
		b = binary.BigEndian.AppendUint32(b, partitionBytesMax)
	}
	b = binary.BigEndian.AppendUint32(b, 0)
	return appendString(b, "")
}

func (f *fetcher) read(r *fields) (bytes int, err error) {
	r.int32()
	if code := r.int16(); code != 0 {
		return 0, fmt.Errorf("fetch: error code %d", code)
	}
	r.int32()
	next := make(map[int32]int64)
	for topics := r.int32(); topics > 0 && r.err == nil; topics-- {
		r.skipString()
		for partitions := r.int32(); partitions > 0 && r.err == nil; partitions-- {
			index, code, highWatermark := r.int32(), r.int16(), r.int64()
			r.take(8 + 8)
			for aborted := r.int32(); aborted > 0; aborted-- {
				r.take(16)
			}
			r.int32()
			records := r.records()
			if code != 0 {
				return 0, fmt.Errorf("fetch of partition %d: error code %d", index, code)
			}
			bytes += len(records)
			if end, ok := endOf(records); ok {
				if end == highWatermark && f.rewinds {
					end = 0
				}
				next[index] = end
				if f.onRecords != nil {
					f.onRecords(records)
				}
			}
		}
	}
	f.advance(next)
	return bytes, r.err
}

func (f *fetcher) advance(next map[int32]int64) {
	kept := make([]position, 0, len(f.positions))
	var served []position
	for _, p := range f.positions {
		if offset, ok := next[p.partition]; ok {
			served = append(served, position{p.partition, offset})
		} else {
			kept = append(kept, p)
		}
	}
	f.positions = append(kept, served...)
}

// endOf returns the offset behind the last whole batch.
func endOf(records []byte) (offset int64, ok bool) {
	for len(records) >= batchHeaderBytes {
		length := int(binary.BigEndian.Uint32(records[batchLengthAt:])) + 12
		if length > len(records) {
			break
		}
		offset = int64(binary.BigEndian.Uint64(records)) + int64(binary.BigEndian.Uint32(records[batchLastDeltaAt:])) + 1
		ok = true
		records = records[length:]
	}
	return offset, ok
}

// fetch reads a topic from its start, again and again: every connection its share of the partitions.
func fetch(o options) error {
	started := time.Now()
	from, until := started.Add(o.warmUp), started.Add(o.warmUp+o.duration)
	total := make([]int64, o.connections)
	err := inParallel(o.connections, func(i int) error {
		c, err := dial(o.address)
		if err != nil {
			return err
		}
		f := &fetcher{connection: c, topic: o.topic, rewinds: true}
		for p := i; p < o.partitions; p += o.connections {
			f.positions = append(f.positions, position{int32(p), 0})
		}
		for now := started; now.Before(until) && !isStopped(); now = time.Now() {
			bytes, err := f.once()
			if err != nil {
				return err
			}
			if now.After(from) {
				total[i] += int64(bytes)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	seconds := time.Since(from).Seconds()
	var bytes int64
	for _, mine := range total {
		bytes += mine
	}
	return report(map[string]any{"megabytesPerSecond": float64(bytes) / 1e6 / seconds})
}

// consumer measures how long records that carry their time were under way.
type consumer struct {
	connection *connection
	samples    *samples
	stopped    chan struct{}
	ended      chan error
}

func startConsumer(o options, from time.Time) *consumer {
	c := &consumer{samples: newSamples(), stopped: make(chan struct{}), ended: make(chan error, 1)}
	go func() { c.ended <- c.run(o, from) }()
	return c
}

func (c *consumer) run(o options, from time.Time) error {
	socket, err := dial(o.address)
	if err != nil {
		return err
	}
	batchBytes, valueAt := layout(o.shape)
	var mine []time.Duration
	f := &fetcher{connection: socket, topic: o.topic}
	f.onRecords = func(records []byte) {
		now := time.Now()
		for at := 0; at+batchBytes <= len(records); at += batchBytes {
			sent := time.Unix(0, int64(binary.BigEndian.Uint64(records[at+valueAt:])))
			if sent.After(from) && sent.Before(now) {
				mine = append(mine, now.Sub(sent))
			}
		}
	}
	for p := range o.partitions {
		f.positions = append(f.positions, position{int32(p), 0})
	}
	for {
		select {
		case <-c.stopped:
			c.samples.add(mine)
			return nil
		default:
		}
		if _, err := f.once(); err != nil {
			return err
		}
	}
}

// stop waits for the fetch that is under way: by then all records have arrived.
func (c *consumer) stop() error {
	time.Sleep(100 * time.Millisecond)
	close(c.stopped)
	return <-c.ended
}
