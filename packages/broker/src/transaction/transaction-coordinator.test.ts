import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName } from '@ottla/base';
import { type TransactionScenario, transactionScenario } from './testing/transaction-scenario.ts';

const orders = { topic: 'orders', partition: 0 };
const payments = { topic: 'payments', partition: 1 };

/** An id with an open transaction over orders-0. */
async function openTransaction(scenario: TransactionScenario) {
  const { producerId, producerEpoch } = await scenario.init('pay');
  const producer = { transactionalId: 'pay', producerId, producerEpoch };
  assert.equal(await scenario.coordinator.addPartitions(producer, [orders]), Errors.NONE);
  return producer;
}

function stateOf({ coordinator }: TransactionScenario, transactionalId = 'pay'): string {
  const found = coordinator.describe(transactionalId);
  return typeof found === 'number' ? errorName(found) : found.state;
}

describe('InitProducerId', () => {
  test('gives a producer without a transactional id a fresh id at epoch 0 every time', async () => {
    const { coordinator } = await transactionScenario();
    const ask = () =>
      coordinator.initProducerId({ transactionalId: null, transactionTimeoutMs: 0, expected: undefined });
    assert.deepEqual(await ask(), { errorCode: 0, producerId: 0, producerEpoch: 0 });
    assert.deepEqual(await ask(), { errorCode: 0, producerId: 1, producerEpoch: 0 });
  });

  test('raises the epoch of a transactional id by one each time', async () => {
    const { init } = await transactionScenario();
    assert.deepEqual(await init('pay'), { errorCode: 0, producerId: 0, producerEpoch: 0 });
    assert.deepEqual(await init('pay'), { errorCode: 0, producerId: 0, producerEpoch: 1 });
  });

  test('refuses an empty id and timeouts outside (0, transaction.max.timeout.ms]', async () => {
    const { coordinator } = await transactionScenario();
    const ask = async (transactionalId: string, transactionTimeoutMs: number) =>
      (await coordinator.initProducerId({ transactionalId, transactionTimeoutMs, expected: undefined })).errorCode;
    assert.equal(await ask('', 1000), Errors.INVALID_REQUEST);
    assert.equal(await ask('pay', 0), Errors.INVALID_TRANSACTION_TIMEOUT);
    assert.equal(await ask('pay', 900_001), Errors.INVALID_TRANSACTION_TIMEOUT);
    assert.equal(await ask('pay', 900_000), Errors.NONE);
  });

  test('KIP-360: the current holder bumps its epoch, repeats a missed answer, and a stranger is fenced', async () => {
    const { init } = await transactionScenario();
    await init('pay');
    assert.equal((await init('pay', { producerId: 0, producerEpoch: 0 })).producerEpoch, 1);
    assert.equal((await init('pay', { producerId: 0, producerEpoch: 0 })).producerEpoch, 1);
    await init('pay');
    assert.equal((await init('pay', { producerId: 0, producerEpoch: 0 })).errorCode, Errors.PRODUCER_FENCED);
    assert.equal((await init('pay', { producerId: 77, producerEpoch: 2 })).errorCode, Errors.PRODUCER_FENCED);
  });

  test('starts a new producer id when the epochs are used up, and a client that missed it may ask again', async () => {
    const { init } = await transactionScenario();
    let last = await init('pay');
    while (last.producerEpoch < 32766) last = await init('pay', last);
    const rotated = await init('pay', last);
    assert.deepEqual(rotated, { errorCode: 0, producerId: 1, producerEpoch: 0 });
    assert.deepEqual(await init('pay', last), { errorCode: 0, producerId: 1, producerEpoch: 0 });
  });

  test('aborts the open transaction of the session before, with the raised epoch, and then admits the new one', async () => {
    const scenario = await transactionScenario();
    await openTransaction(scenario);
    assert.equal((await scenario.init('pay')).errorCode, Errors.CONCURRENT_TRANSACTIONS);
    await scenario.clock.advance(0);
    assert.deepEqual(scenario.markers.written, ['orders-0 abort 0/1']);
    assert.equal(stateOf(scenario), 'CompleteAbort');
    assert.deepEqual(await scenario.init('pay'), { errorCode: 0, producerId: 0, producerEpoch: 2 });
  });

  test('does not raise the epoch twice when the fencing abort could not be written', async () => {
    const scenario = await transactionScenario();
    await openTransaction(scenario);
    scenario.log.nextErrors.push(Errors.NOT_ENOUGH_REPLICAS);
    assert.equal((await scenario.init('pay')).errorCode, Errors.COORDINATOR_NOT_AVAILABLE);
    assert.equal((await scenario.init('pay')).errorCode, Errors.CONCURRENT_TRANSACTIONS);
    await scenario.clock.advance(0);
    assert.deepEqual(scenario.markers.written, ['orders-0 abort 0/1']);
  });

  test('answers CONCURRENT_TRANSACTIONS while another change of the id is on its way to the log', async () => {
    const { init, log } = await transactionScenario();
    let open = () => {};
    log.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = init('pay');
    await new Promise(setImmediate);
    assert.equal((await init('pay')).errorCode, Errors.CONCURRENT_TRANSACTIONS);
    open();
    assert.equal((await first).errorCode, Errors.NONE);
  });
});

describe('AddPartitionsToTxn', () => {
  test('opens a transaction, and writes nothing for partitions it already holds', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    const written = scenario.log.batches.length;
    assert.equal(await scenario.coordinator.addPartitions(producer, [orders]), Errors.NONE);
    assert.equal(scenario.log.batches.length, written);
    assert.equal(await scenario.coordinator.addPartitions(producer, [payments]), Errors.NONE);
    assert.equal(scenario.log.batches.length, written + 1);
  });

  test('refuses unknown ids, foreign producer ids and old epochs', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    const add = (changes: object) => scenario.coordinator.addPartitions({ ...producer, ...changes }, [orders]);
    assert.equal(await add({ transactionalId: 'nobody' }), Errors.INVALID_PRODUCER_ID_MAPPING);
    assert.equal(await add({ transactionalId: '' }), Errors.INVALID_REQUEST);
    assert.equal(await add({ producerId: 99 }), Errors.INVALID_PRODUCER_ID_MAPPING);
    assert.equal(await add({ producerEpoch: 9 }), Errors.PRODUCER_FENCED);
  });

  test('KIP-890: verification tells partitions of the transaction from others', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    assert.deepEqual(scenario.coordinator.verifyPartitions(producer, [orders, payments]), [
      Errors.NONE,
      Errors.TRANSACTION_ABORTABLE,
    ]);
    assert.equal(
      scenario.coordinator.verifyPartitions({ ...producer, producerEpoch: 9 }, [orders]),
      Errors.PRODUCER_FENCED,
    );
  });
});

describe('EndTxn', () => {
  test('writes the decision, then a marker for each partition, then the completion', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    await scenario.coordinator.addPartitions(producer, [payments]);
    assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.NONE);
    await scenario.clock.advance(0);
    assert.deepEqual(scenario.markers.written, ['orders-0 commit 0/0', 'payments-1 commit 0/0']);
    assert.equal(stateOf(scenario), 'CompleteCommit');
  });

  const answers: readonly [outcome: 'commit' | 'abort', repeated: 'commit' | 'abort', code: number][] = [
    ['commit', 'commit', Errors.NONE],
    ['commit', 'abort', Errors.INVALID_TXN_STATE],
    ['abort', 'abort', Errors.NONE],
    ['abort', 'commit', Errors.INVALID_TXN_STATE],
  ];
  for (const [outcome, repeated, code] of answers) {
    test(`answers ${errorName(code)} to ${repeated} after a completed ${outcome}`, async () => {
      const scenario = await transactionScenario();
      const producer = await openTransaction(scenario);
      await scenario.coordinator.endTransaction(producer, outcome);
      await scenario.clock.advance(0);
      assert.equal(await scenario.coordinator.endTransaction(producer, repeated), code);
    });
  }

  test('refuses to end a transaction that was never begun, and one of a fenced producer', async () => {
    const scenario = await transactionScenario();
    const { producerId, producerEpoch } = await scenario.init('pay');
    const producer = { transactionalId: 'pay', producerId, producerEpoch };
    assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.INVALID_TXN_STATE);
    await scenario.init('pay');
    assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.PRODUCER_FENCED);
  });

  test('sends a marker again until its leader has it, and skips partitions that are gone', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    await scenario.coordinator.addPartitions(producer, [payments]);
    scenario.markers.gone.add('payments-1');
    scenario.markers.nextErrors.push(Errors.NOT_LEADER_OR_FOLLOWER, Errors.UNKNOWN_SERVER_ERROR);
    await scenario.coordinator.endTransaction(producer, 'abort');
    await scenario.clock.advance(0);
    assert.equal(stateOf(scenario), 'PrepareAbort');
    await scenario.clock.advance(200);
    assert.deepEqual(scenario.markers.written, ['orders-0 abort 0/0']);
    assert.equal(stateOf(scenario), 'CompleteAbort');
  });

  test('writes the completion when the log has space again, however long that takes, unless another took over', async () => {
    for (const isTakenOver of [false, true]) {
      const scenario = await transactionScenario();
      const producer = await openTransaction(scenario);
      const refuse = () => Array.from({ length: 50 }, () => Errors.KAFKA_STORAGE_ERROR);
      scenario.log.nextErrors.push(...refuse());
      assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.NOT_COORDINATOR);
      assert.equal(stateOf(scenario), 'Ongoing');
      scenario.log.nextErrors.length = 0;
      assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.NONE);
      scenario.log.nextErrors.push(...refuse());
      await scenario.clock.advance(3000);
      assert.equal(stateOf(scenario), 'PrepareCommit');
      if (isTakenOver) scenario.coordinator.onResignation(0);
      const { length } = scenario.log.batches;
      scenario.log.nextErrors.length = 0;
      await scenario.clock.advance(100);
      if (isTakenOver) assert.equal(scenario.log.batches.length, length);
      else assert.equal(stateOf(scenario), 'CompleteCommit');
    }
  });
});

describe('time', () => {
  test('aborts a transaction that outlives its timeout and fences its producer', async () => {
    const scenario = await transactionScenario();
    scenario.coordinator.start();
    const producer = await openTransaction(scenario);
    await scenario.clock.advance(60_000);
    assert.equal(stateOf(scenario), 'Ongoing');
    await scenario.clock.advance(10_000);
    assert.equal(stateOf(scenario), 'CompleteAbort');
    assert.deepEqual(scenario.markers.written, ['orders-0 abort 0/1']);
    assert.equal(await scenario.coordinator.endTransaction(producer, 'commit'), Errors.PRODUCER_FENCED);
    await scenario.coordinator.close();
  });

  test('forgets an id that nobody used for transactional.id.expiration.ms, in memory and in the log', async () => {
    const scenario = await transactionScenario();
    scenario.coordinator.start();
    await scenario.init('pay');
    await scenario.clock.advance(604_800_000 + 3_600_000);
    assert.equal(stateOf(scenario), 'TRANSACTIONAL_ID_NOT_FOUND');
    await scenario.coordinator.close();
    const restarted = await transactionScenario(scenario.log);
    assert.equal(stateOf(restarted), 'TRANSACTIONAL_ID_NOT_FOUND');
  });
});

describe('restart', () => {
  test('finds an open transaction open, with its epoch', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    const restarted = await transactionScenario(scenario.log);
    assert.equal(stateOf(restarted), 'Ongoing');
    assert.equal(await restarted.coordinator.endTransaction(producer, 'commit'), Errors.NONE);
  });

  test('finishes a transaction that was decided but not marked', async () => {
    const scenario = await transactionScenario();
    const producer = await openTransaction(scenario);
    scenario.markers.nextErrors.push(...new Array(100).fill(Errors.NOT_LEADER_OR_FOLLOWER));
    await scenario.coordinator.endTransaction(producer, 'commit');
    await scenario.coordinator.close();
    const restarted = await transactionScenario(scenario.log);
    await restarted.clock.advance(0);
    assert.deepEqual(restarted.markers.written, ['orders-0 commit 0/0']);
    assert.equal(stateOf(restarted), 'CompleteCommit');
  });

  test('answers NOT_COORDINATOR for ids of partitions it does not lead', async () => {
    const scenario = await transactionScenario();
    scenario.coordinator.onResignation(0);
    assert.equal((await scenario.init('pay')).errorCode, Errors.NOT_COORDINATOR);
  });
});
