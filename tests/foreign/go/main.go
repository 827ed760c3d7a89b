// franz-go against a broker: `go-client BOOTSTRAP TOPIC_PREFIX before|after`. The same as the Python clients; see there.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const count = 200

var codecs = []struct {
	name  string
	codec kgo.CompressionCodec
}{
	{"none", kgo.NoCompression()},
	{"gzip", kgo.GzipCompression()},
	{"snappy", kgo.SnappyCompression()},
	{"lz4", kgo.Lz4Compression()},
	{"zstd", kgo.ZstdCompression()},
}

func main() {
	bootstrap, prefix, phase := os.Args[1], os.Args[2], os.Args[3]
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	if phase == "before" {
		checkCodecs(ctx, bootstrap, prefix+"codecs")
		checkTransactions(ctx, bootstrap, prefix)
		checkGroup(ctx, bootstrap, prefix+"group", prefix+"members")
	} else {
		checkResume(ctx, bootstrap, prefix+"group", prefix+"members")
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func expect(holds bool, format string, args ...any) {
	if !holds {
		must(fmt.Errorf(format, args...))
	}
}

func newClient(bootstrap string, options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap)}, options...)...)
	must(err)
	return client
}

func createTopic(ctx context.Context, bootstrap, topic string, partitions int32) {
	client := newClient(bootstrap)
	defer client.Close()
	responses, err := kadm.NewClient(client).CreateTopics(ctx, partitions, 1, nil, topic)
	must(err)
	must(responses[topic].Err)
}

func values(name string, from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%s-%d", name, i))
	}
	return all
}

func produce(ctx context.Context, bootstrap, topic string, codec kgo.CompressionCodec, values []string) {
	client := newClient(bootstrap, kgo.ProducerBatchCompression(codec), kgo.RequiredAcks(kgo.AllISRAcks()))
	defer client.Close()
	var records []*kgo.Record
	for _, value := range values {
		headers := []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(value), Value: []byte(value), Headers: headers})
	}
	must(client.ProduceSync(ctx, records...).FirstErr())
}

func read(ctx context.Context, client *kgo.Client, wanted int) []string {
	var got []string
	for len(got) < wanted {
		fetches := client.PollFetches(ctx)
		must(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) { got = append(got, string(record.Value)) })
	}
	return got
}

func readFromStart(ctx context.Context, bootstrap, topic string, wanted int, options ...kgo.Opt) []string {
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client := newClient(bootstrap, append(options, kgo.ConsumePartitions(from))...)
	defer client.Close()
	return read(ctx, client, wanted)
}

func checkCodecs(ctx context.Context, bootstrap, topic string) {
	createTopic(ctx, bootstrap, topic, 1)
	var expected []string
	for _, each := range codecs {
		all := values(each.name, 0, count)
		produce(ctx, bootstrap, topic, each.codec, all)
		expected = append(expected, all...)
	}
	got := readFromStart(ctx, bootstrap, topic, len(expected))
	expect(strings.Join(got, " ") == strings.Join(expected, " "), "codecs: got %d records, or others than sent", len(got))
	fmt.Println("ok codecs")
}

func checkTransactions(ctx context.Context, bootstrap, prefix string) {
	topic := prefix + "transactions"
	createTopic(ctx, bootstrap, topic, 1)
	client := newClient(bootstrap, kgo.TransactionalID(prefix+"transactional"), kgo.DefaultProduceTopic(topic))
	for _, each := range []struct {
		value  string
		commit kgo.TransactionEndTry
	}{{"committed-1", kgo.TryCommit}, {"aborted", kgo.TryAbort}, {"committed-2", kgo.TryCommit}} {
		must(client.BeginTransaction())
		must(client.ProduceSync(ctx, kgo.StringRecord(each.value)).FirstErr())
		must(client.EndTransaction(ctx, each.commit))
	}
	client.Close()
	committed := readFromStart(ctx, bootstrap, topic, 2, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	expect(strings.Join(committed, " ") == "committed-1 committed-2", "read committed: %v", committed)
	everything := readFromStart(ctx, bootstrap, topic, 3)
	expect(strings.Join(everything, " ") == "committed-1 aborted committed-2", "read uncommitted: %v", everything)
	fmt.Println("ok transactions")
}

// A group member that polls until it leaves; it commits what it saw then.
type member struct {
	client   *kgo.Client
	mutex    sync.Mutex
	assigned int
	seen     []string
	stop     context.CancelFunc
	done     chan struct{}
}

func join(ctx context.Context, bootstrap, topic, group string) *member {
	m := &member{done: make(chan struct{})}
	change := func(sign int) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.mutex.Lock()
			defer m.mutex.Unlock()
			m.assigned += sign * len(partitions[topic])
		}
	}
	// What was read of a partition is committed before another member gets it: it would be read, and counted, twice.
	revoked := func(ctx context.Context, client *kgo.Client, partitions map[string][]int32) {
		must(client.CommitUncommittedOffsets(ctx))
		change(-1)(ctx, client, partitions)
	}
	m.client = newClient(bootstrap, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.OnPartitionsAssigned(change(1)), kgo.OnPartitionsRevoked(revoked), kgo.OnPartitionsLost(change(-1)))
	pollCtx, stop := context.WithCancel(ctx)
	m.stop = stop
	go func() {
		defer close(m.done)
		for pollCtx.Err() == nil {
			m.client.PollFetches(pollCtx).EachRecord(func(record *kgo.Record) {
				m.mutex.Lock()
				defer m.mutex.Unlock()
				m.seen = append(m.seen, string(record.Value))
			})
		}
	}()
	return m
}

func (m *member) state() (int, []string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.assigned, append([]string(nil), m.seen...)
}

func (m *member) leave(ctx context.Context) {
	m.stop()
	<-m.done
	must(m.client.CommitUncommittedOffsets(ctx))
	m.client.Close()
}

func waitUntil(ctx context.Context, what string, condition func() bool) {
	for !condition() {
		expect(ctx.Err() == nil, "timed out: %s", what)
		time.Sleep(50 * time.Millisecond)
	}
}

func distinct(lists ...[]string) int {
	all := map[string]bool{}
	for _, list := range lists {
		for _, value := range list {
			all[value] = true
		}
	}
	return len(all)
}

func checkGroup(ctx context.Context, bootstrap, topic, group string) {
	createTopic(ctx, bootstrap, topic, 4)
	produce(ctx, bootstrap, topic, kgo.GzipCompression(), values("first", 0, count))
	first := join(ctx, bootstrap, topic, group)
	assigned := func(m *member) int { partitions, _ := m.state(); return partitions }
	waitUntil(ctx, "the first member has all partitions", func() bool { return assigned(first) == 4 })
	second := join(ctx, bootstrap, topic, group)
	waitUntil(ctx, "the two share", func() bool { return assigned(first) == 2 && assigned(second) == 2 })
	waitUntil(ctx, "all is read", func() bool {
		_, one := first.state()
		_, two := second.state()
		return distinct(one, two) == count
	})
	second.leave(ctx)
	waitUntil(ctx, "the first has all again", func() bool { return assigned(first) == 4 })
	first.leave(ctx)
	fmt.Println("ok group")
}

func checkResume(ctx context.Context, bootstrap, topic, group string) {
	wanted := values("second", 0, 10)
	produce(ctx, bootstrap, topic, kgo.NoCompression(), wanted)
	m := join(ctx, bootstrap, topic, group)
	waitUntil(ctx, "the new records are read", func() bool { _, seen := m.state(); return len(seen) >= len(wanted) })
	_, seen := m.state()
	m.leave(ctx)
	sort.Strings(seen)
	sort.Strings(wanted)
	expect(strings.Join(seen, " ") == strings.Join(wanted, " "), "resume: %v", seen)
	fmt.Println("ok resume")
}
