package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"sync"
	"time"
)

const pacedInFlightMax = 1 << 16

func produceBody(topic string, partition int, records []byte) []byte {
	var body []byte
	body = binary.BigEndian.AppendUint16(body, 0xffff)
	body = binary.BigEndian.AppendUint16(body, 1)
	body = binary.BigEndian.AppendUint32(body, 30000)
	body = binary.BigEndian.AppendUint32(body, 1)
	body = appendString(body, topic)
	body = binary.BigEndian.AppendUint32(body, 1)
	body = binary.BigEndian.AppendUint32(body, uint32(partition))
	body = binary.BigEndian.AppendUint32(body, uint32(len(records)))
	return append(body, records...)
}

func readProduceResponse(f *fields) error {
	for topics := f.int32(); topics > 0 && f.err == nil; topics-- {
		f.skipString()
		for partitions := f.int32(); partitions > 0 && f.err == nil; partitions-- {
			index, code := f.int32(), f.int16()
			f.take(3 * 8)
			if code != 0 {
				return fmt.Errorf("produce to partition %d: error code %d", index, code)
			}
		}
	}
	return f.err
}

// pace sends small requests at an even rate on each connection, the connections one after the other within a period, and measures from just
// before the send to the acknowledgement. With consume, a consumer measures up to the arrival of the record, which carries its time.
func pace(o options) error {
	connections := make([]*connection, o.connections)
	for i := range connections {
		c, err := dial(o.address)
		if err != nil {
			return err
		}
		connections[i] = c
	}
	started := time.Now()
	from, until := started.Add(o.warmUp), started.Add(o.warmUp+o.duration)
	var arrivals *consumer
	if o.consume {
		arrivals = startConsumer(o, from)
	}
	acks := newSamples()
	period := time.Duration(float64(time.Second) / o.rate)
	err := inParallel(len(connections), func(i int) error {
		first := time.Now().Add(period * time.Duration(i) / time.Duration(len(connections)))
		return paceOne(connections[i], o, i, pacing{period, first, from, until}, acks)
	})
	if err != nil {
		return err
	}
	result := map[string]any{"ack": acks.summary()}
	if arrivals != nil {
		if err := arrivals.stop(); err != nil {
			return err
		}
		result["endToEnd"] = arrivals.samples.summary()
	}
	return report(result)
}

type pacing struct {
	period             time.Duration
	first, from, until time.Time
}

func paceOne(c *connection, o options, index int, p pacing, acks *samples) error {
	random := rand.New(rand.NewSource(int64(index)))
	records, valueAt := o.shape.batch(random, time.Now().UnixMilli())
	frame := c.request(apiProduce, produceVersion, produceBody(o.topic, index%o.partitions, records))
	batch := frame[len(frame)-len(records):]
	sent := make(chan time.Time, pacedInFlightMax)
	answered := make(chan error, 1)
	go func() { answered <- awaitAcks(c, sent, p.from, acks) }()
	for at := p.first; at.Before(p.until) && !isStopped(); at = at.Add(p.period) {
		time.Sleep(time.Until(at))
		now := time.Now()
		binary.BigEndian.PutUint64(batch[valueAt:], uint64(now.UnixNano()))
		seal(batch)
		sent <- now
		if _, err := c.socket.Write(frame); err != nil {
			return err
		}
	}
	close(sent)
	return <-answered
}

func awaitAcks(c *connection, sent <-chan time.Time, from time.Time, acks *samples) error {
	var mine []time.Duration
	for at := range sent {
		response, err := c.next()
		took := time.Since(at)
		if err == nil {
			err = readProduceResponse(response)
		}
		if err != nil {
			return err
		}
		if at.After(from) {
			mine = append(mine, took)
		}
	}
	acks.add(mine)
	return nil
}

// fill produces o.bytes over the partitions in turn, as fast as they are taken. Every batch is another one.
func fill(o options) error {
	started := time.Now()
	one, _ := o.shape.batch(rand.New(rand.NewSource(0)), 0)
	count := int(o.bytes/int64(len(one))) + 1
	err := inParallel(o.connections, func(i int) error {
		c, err := dial(o.address)
		if err != nil {
			return err
		}
		return fillOne(c, o, i, count)
	})
	if err != nil {
		return err
	}
	return report(map[string]any{"megabytes": float64(count*len(one)) / 1e6, "seconds": time.Since(started).Seconds()})
}

func fillOne(c *connection, o options, first, count int) error {
	random := rand.New(rand.NewSource(int64(first)))
	inFlight := make(chan struct{}, o.inFlight)
	answered := make(chan error, 1)
	mine := (count - first + o.connections - 1) / o.connections
	go func() {
		for i := 0; i < mine; i++ {
			response, err := c.next()
			if err == nil {
				err = readProduceResponse(response)
			}
			if err != nil {
				c.socket.Close()
				answered <- err
				return
			}
			<-inFlight
		}
		answered <- nil
	}()
	for i := first; i < count; i += o.connections {
		batch, _ := o.shape.batch(random, time.Now().UnixMilli())
		select {
		case inFlight <- struct{}{}:
		case err := <-answered:
			return err
		}
		if _, err := c.socket.Write(c.request(apiProduce, produceVersion, produceBody(o.topic, i%o.partitions, batch))); err != nil {
			return err
		}
	}
	return <-answered
}

func inParallel(count int, run func(i int) error) error {
	errs := make([]error, count)
	var group sync.WaitGroup
	for i := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			errs[i] = run(i)
		}()
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
