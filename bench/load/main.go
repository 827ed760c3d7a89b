// load: the loads that the benchmark needs beside those of blast: evenly paced requests on few or many connections, the way of a record to
// a waiting consumer, one consumer of many partitions, and topics filled to a size. Prints one line of JSON.
//
//	load -m pace -c 3 -rate 333.3 -consume   latency of acknowledgements, and until a consumer has the record
//	load -m fetch -p 1000                    one or more consumers that read all partitions again and again
//	load -m fill -bytes 1000000000 -keys 50  a topic of that size, and nothing else
//
// Ends early, with its results, when it is interrupted.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	address, topic        string
	partitions            int
	connections, inFlight int
	shape                 batchShape
	rate                  float64
	consume               bool
	bytes                 int64
	warmUp, duration      time.Duration
}

func main() {
	mode := flag.String("m", "pace", "pace|fetch|fill")
	var o options
	var seconds, warmUp float64
	flag.StringVar(&o.address, "b", "127.0.0.1:9092", "broker")
	flag.StringVar(&o.topic, "t", "load", "topic, which exists")
	flag.IntVar(&o.partitions, "p", 3, "its partitions")
	flag.IntVar(&o.connections, "c", 3, "connections")
	flag.IntVar(&o.inFlight, "inflight", 5, "requests in flight a connection (fill)")
	flag.IntVar(&o.shape.valueSize, "size", 100, "value bytes, at least 8")
	flag.IntVar(&o.shape.records, "recs", 1, "records a batch")
	flag.IntVar(&o.shape.keyCount, "keys", 0, "different keys; 0 records without")
	flag.Float64Var(&o.rate, "rate", 10, "requests a second on each connection (pace)")
	flag.BoolVar(&o.consume, "consume", false, "measure until a consumer has the record, too (pace)")
	flag.Int64Var(&o.bytes, "bytes", 100_000_000, "bytes to write (fill)")
	flag.Float64Var(&seconds, "s", 5, "seconds")
	flag.Float64Var(&warmUp, "warm", 1, "seconds before, which do not count")
	flag.Parse()
	o.duration, o.warmUp = time.Duration(seconds*1e9), time.Duration(warmUp*1e9)
	modes := map[string]func(options) error{"pace": pace, "fetch": fetch, "fill": fill}
	run, ok := modes[*mode]
	if !ok || o.shape.valueSize < 8 {
		flag.Usage()
		os.Exit(2)
	}
	go stopWhenInterrupted()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

var stopped atomic.Bool

func isStopped() bool { return stopped.Load() }

func stopWhenInterrupted() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	<-signals
	stopped.Store(true)
}

func report(result map[string]any) error { return json.NewEncoder(os.Stdout).Encode(result) }

func layout(shape batchShape) (batchBytes, valueAt int) {
	batch, valueAt := shape.batch(rand.New(rand.NewSource(0)), 0)
	return len(batch), valueAt
}

type samples struct {
	lock  sync.Mutex
	taken []time.Duration
}

func newSamples() *samples { return &samples{} }

func (s *samples) add(more []time.Duration) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.taken = append(s.taken, more...)
}

func (s *samples) summary() map[string]any {
	sort.Slice(s.taken, func(i, j int) bool { return s.taken[i] < s.taken[j] })
	at := func(share float64) float64 {
		if len(s.taken) == 0 {
			return 0
		}
		return s.taken[int(share*float64(len(s.taken)-1))].Seconds() * 1000
	}
	return map[string]any{"count": len(s.taken), "p50Ms": at(0.5), "p99Ms": at(0.99), "maxMs": at(1)}
}
