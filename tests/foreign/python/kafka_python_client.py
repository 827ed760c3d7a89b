"""kafka-python against a broker: `kafka_python_client.py BOOTSTRAP TOPIC_PREFIX before|after`.

`before` produces with every codec, reads by assignment, and lets a group of two rebalance and commit; `after`, run when the broker
was restarted, continues where the group committed. Prints one line for each thing that held; any exception ends with code 1.
"""
import sys
import threading
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
COUNT = 200


def create_topics(bootstrap, **partitions):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    admin.close()


def produce(bootstrap, topic, codec, count=COUNT, start=0, **options):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks="all", linger_ms=5, **options)
    sent = [
        producer.send(topic, key=b"k%d" % i, value=b"%s-%d" % ((codec or "none").encode(), i), headers=[("h", b"v")])
        for i in range(start, start + count)
    ]
    producer.flush(30)
    offsets = [future.get(30).offset for future in sent]
    producer.close()
    return offsets


def check_codecs(bootstrap, prefix):
    topic = prefix + "codecs"
    create_topics(bootstrap, **{topic: 1})
    expected = []
    for codec in CODECS:
        offsets = produce(bootstrap, topic, codec)
        assert offsets == list(range(len(expected), len(expected) + COUNT)), (codec, offsets[:3])
        expected += [b"%s-%d" % ((codec or "none").encode(), i) for i in range(COUNT)]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=5000)
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    got = []
    while len(got) < len(expected):
        polled = consumer.poll(timeout_ms=5000)
        assert polled, "no more records after %d of %d" % (len(got), len(expected))
        got += [record for records in polled.values() for record in records]
    assert [record.value for record in got] == expected
    assert all(record.headers in ([("h", b"v")], (("h", b"v"),)) for record in got)
    assert consumer.end_offsets([tp])[tp] == len(expected)
    consumer.close()
    print("ok codecs")


class Member(threading.Thread):
    """A group member with a loop of its own; what it says it has seen is committed."""

    def __init__(self, bootstrap, topic, group):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.group = bootstrap, topic, group
        self.seen, self.assigned, self.failure = [], set(), None
        self.leaving = threading.Event()

    def run(self):
        try:
            consumer = KafkaConsumer(
                self.topic,
                bootstrap_servers=self.bootstrap,
                group_id=self.group,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                heartbeat_interval_ms=500,
            )
            while not self.leaving.is_set():
                polled = consumer.poll(timeout_ms=200)
                if polled:
                    consumer.commit()
                self.seen += [record.value for records in polled.values() for record in records]
                self.assigned = set(consumer.assignment())
            consumer.close()
        except Exception as failure:  # told to whoever joins
            self.failure = failure

    def leave(self):
        self.leaving.set()
        self.join(30)
        if self.failure:
            raise self.failure


def wait_until(what, condition, seconds=30):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, "timed out: " + what
        time.sleep(0.05)


def check_group(bootstrap, prefix):
    topic, group = prefix + "group", prefix + "members"
    create_topics(bootstrap, **{topic: 4})
    first = Member(bootstrap, topic, group)
    first.start()
    wait_until("the first member has all partitions", lambda: len(first.assigned) == 4)
    second = Member(bootstrap, topic, group)
    second.start()
    wait_until("the two share", lambda: len(first.assigned) == 2 and len(second.assigned) == 2)
    assert not first.assigned & second.assigned
    # Only now, so that each has to read its share: alone, the first would have read everything before the second came.
    produce(bootstrap, topic, "gzip")
    wait_until("all is read", lambda: len(first.seen + second.seen) == COUNT)
    assert first.seen and second.seen
    second.leave()
    wait_until("the first has all again", lambda: len(first.assigned) == 4)
    first.leave()
    print("ok group")


def check_resume(bootstrap, prefix):
    topic, group = prefix + "group", prefix + "members"
    produce(bootstrap, topic, None, count=10, start=1000)
    member = Member(bootstrap, topic, group)
    member.start()
    wait_until("the new records are read", lambda: len(member.seen) >= 10)
    member.leave()
    assert sorted(member.seen) == sorted(b"none-%d" % i for i in range(1000, 1010)), member.seen
    print("ok resume")


def main():
    bootstrap, prefix, phase = sys.argv[1:]
    if phase == "before":
        check_codecs(bootstrap, prefix)
        check_group(bootstrap, prefix)
    else:
        check_resume(bootstrap, prefix)


main()
