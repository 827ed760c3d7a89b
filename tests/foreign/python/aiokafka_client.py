"""aiokafka against a broker: `aiokafka_client.py BOOTSTRAP TOPIC_PREFIX before|after`.

The same as kafka_python_client.py, and a transaction: what is aborted stays unseen to a consumer that reads what is committed.
"""
import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
COUNT = 200


async def create_topics(bootstrap, **partitions):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    await admin.close()


async def produce(bootstrap, topic, codec, count=COUNT, start=0):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, enable_idempotence=True)
    await producer.start()
    sent = [
        await producer.send(topic, key=b"k%d" % i, value=b"%s-%d" % ((codec or "none").encode(), i), headers=[("h", b"v")])
        for i in range(start, start + count)
    ]
    offsets = [metadata.offset for metadata in await asyncio.gather(*sent)]
    await producer.stop()
    return offsets


async def read(bootstrap, topic, count, **options):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, **options)
    await consumer.start()
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    await consumer.seek_to_beginning(tp)
    got = []
    while len(got) < count:
        polled = await consumer.getmany(tp, timeout_ms=5000)
        assert polled, "no more records after %d of %d" % (len(got), count)
        got += [record for records in polled.values() for record in records]
    await consumer.stop()
    return got


async def check_codecs(bootstrap, prefix):
    topic = prefix + "codecs"
    await create_topics(bootstrap, **{topic: 1})
    expected = []
    for codec in CODECS:
        offsets = await produce(bootstrap, topic, codec)
        assert offsets == list(range(len(expected), len(expected) + COUNT)), (codec, offsets[:3])
        expected += [b"%s-%d" % ((codec or "none").encode(), i) for i in range(COUNT)]
    got = await read(bootstrap, topic, len(expected))
    assert [record.value for record in got] == expected
    assert all(tuple(record.headers) == (("h", b"v"),) for record in got)
    print("ok codecs")


async def check_transactions(bootstrap, prefix):
    topic = prefix + "transactions"
    await create_topics(bootstrap, **{topic: 1})
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=prefix + "transactional")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, b"committed-1")
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"aborted")
    await producer.abort_transaction()
    async with producer.transaction():
        await producer.send_and_wait(topic, b"committed-2")
    await producer.stop()
    committed = await read(bootstrap, topic, 2, isolation_level="read_committed")
    assert [record.value for record in committed] == [b"committed-1", b"committed-2"]
    everything = await read(bootstrap, topic, 3)
    assert [record.value for record in everything] == [b"committed-1", b"aborted", b"committed-2"]
    print("ok transactions")


class Member:
    """A group member with a task of its own; what it says it has seen is committed."""

    def __init__(self, bootstrap, topic, group):
        self.consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=500,
        )
        self.seen = []
        self.leaving = False
        self.task = None

    async def start(self):
        await self.consumer.start()
        self.task = asyncio.create_task(self.run())

    async def run(self):
        while not self.leaving:
            polled = await self.consumer.getmany(timeout_ms=200)
            if polled:
                await self.consumer.commit()
            self.seen += [record.value for records in polled.values() for record in records]

    @property
    def assigned(self):
        return self.consumer.assignment()

    async def leave(self):
        self.leaving = True
        await self.task
        await self.consumer.stop()


async def wait_until(what, condition, seconds=30):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, "timed out: " + what
        await asyncio.sleep(0.05)


async def check_group(bootstrap, prefix):
    topic, group = prefix + "group", prefix + "members"
    await create_topics(bootstrap, **{topic: 4})
    first, second = Member(bootstrap, topic, group), Member(bootstrap, topic, group)
    await first.start()
    await wait_until("the first member has all partitions", lambda: len(first.assigned) == 4)
    await second.start()
    await wait_until("the two share", lambda: len(first.assigned) == 2 and len(second.assigned) == 2)
    assert not first.assigned & second.assigned
    # Only now, so that each has to read its share: alone, the first would have read everything before the second came.
    await produce(bootstrap, topic, "gzip")
    await wait_until("all is read", lambda: len(first.seen + second.seen) == COUNT)
    assert first.seen and second.seen
    await second.leave()
    await wait_until("the first has all again", lambda: len(first.assigned) == 4)
    await first.leave()
    print("ok group")


async def check_resume(bootstrap, prefix):
    topic, group = prefix + "group", prefix + "members"
    await produce(bootstrap, topic, None, count=10, start=1000)
    member = Member(bootstrap, topic, group)
    await member.start()
    await wait_until("the new records are read", lambda: len(member.seen) >= 10)
    await member.leave()
    assert sorted(member.seen) == sorted(b"none-%d" % i for i in range(1000, 1010)), member.seen
    print("ok resume")


async def main():
    bootstrap, prefix, phase = sys.argv[1:]
    if phase == "before":
        await check_codecs(bootstrap, prefix)
        await check_transactions(bootstrap, prefix)
        await check_group(bootstrap, prefix)
    else:
        await check_resume(bootstrap, prefix)


asyncio.run(main())
