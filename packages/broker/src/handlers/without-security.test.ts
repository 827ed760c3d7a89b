// APIs that a 3.9 broker in ZooKeeper mode offers and, without SASL, an authorizer or KRaft, refuses. The answers are those of one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors } from '@ottla/base';
import { API_RELEASES, apiLevels } from '@ottla/protocol';
import { ApiVersionsManager } from '../server/api-versions-manager.ts';
import { contextForTest } from '../server/testing/services-for-test.ts';
import { saslHandshake } from './17-sasl-handshake.ts';
import { describeAcls } from './29-describe-acls.ts';
import { createAcls } from './30-create-acls.ts';
import { deleteAcls } from './31-delete-acls.ts';
import { saslAuthenticate } from './36-sasl-authenticate.ts';
import { createDelegationToken } from './38-create-delegation-token.ts';
import { renewDelegationToken } from './39-renew-delegation-token.ts';
import { expireDelegationToken } from './40-expire-delegation-token.ts';
import { describeDelegationToken } from './41-describe-delegation-token.ts';
import { envelope } from './58-envelope.ts';
import { consumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts';
import { consumerGroupDescribe } from './69-consumer-group-describe.ts';
import { handlers } from './index.ts';

const context = contextForTest({ apiKey: 0, apiVersion: 3 });
const ACL = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 };
const FILTER = {
  resourceTypeFilter: 2,
  resourceNameFilter: 't',
  patternTypeFilter: 3,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};

describe('without security', () => {
  test('SASL is answered ILLEGAL_SASL_STATE', () => {
    assert.deepEqual(saslHandshake.handle({ mechanism: 'PLAIN' }, context), { errorCode: 34, mechanisms: [] });
    assert.deepEqual(saslAuthenticate.handle({ authBytes: Buffer.from('x') }, context), {
      errorCode: 34,
      errorMessage: 'SaslAuthenticate request received after successful authentication',
      authBytes: Buffer.alloc(0),
    });
  });

  test('ACLs are answered SECURITY_DISABLED, each in its place', () => {
    assert.deepEqual(describeAcls.handle(FILTER, context), {
      throttleTimeMs: 0,
      errorCode: 54,
      errorMessage: 'No Authorizer is configured on the broker',
      resources: [],
    });
    const refusal = { errorCode: 54, errorMessage: 'No Authorizer is configured.' };
    const creation = { resourceType: 2, resourceName: 't', resourcePatternType: 3, ...ACL };
    assert.deepEqual(createAcls.handle({ creations: [creation, creation] }, context), {
      throttleTimeMs: 0,
      results: [refusal, refusal],
    });
    assert.deepEqual(deleteAcls.handle({ filters: [FILTER] }, context), {
      throttleTimeMs: 0,
      filterResults: [{ ...refusal, matchingAcls: [] }],
    });
  });

  test('delegation tokens are not for those who did not authenticate; the answer names the owner asked for', () => {
    const ask = { renewers: [], maxLifetimeMs: -1 };
    const anonymous = createDelegationToken.handle(
      { ...ask, ownerPrincipalType: null, ownerPrincipalName: null },
      context,
    );
    assert.ok(typeof anonymous === 'object' && 'principalName' in anonymous);
    assert.deepEqual([anonymous.errorCode, anonymous.principalName], [64, 'ANONYMOUS']);
    assert.deepEqual(
      createDelegationToken.handle({ ...ask, ownerPrincipalType: 'User', ownerPrincipalName: 'bob' }, context),
      {
        errorCode: 64,
        principalType: 'User',
        principalName: 'bob',
        tokenRequesterPrincipalType: 'User',
        tokenRequesterPrincipalName: 'ANONYMOUS',
        issueTimestampMs: -1,
        expiryTimestampMs: -1,
        maxTimestampMs: -1,
        tokenId: '',
        hmac: Buffer.alloc(0),
        throttleTimeMs: 0,
      },
    );
    const hmac = Buffer.from('aa');
    const notAllowed = { errorCode: 64, expiryTimestampMs: -1, throttleTimeMs: 0 };
    assert.deepEqual(renewDelegationToken.handle({ hmac, renewPeriodMs: -1 }, context), notAllowed);
    assert.deepEqual(expireDelegationToken.handle({ hmac, expiryTimePeriodMs: -1 }, context), notAllowed);
    assert.deepEqual(describeDelegationToken.handle({ owners: null }, context), {
      errorCode: 64,
      tokens: [],
      throttleTimeMs: 0,
    });
  });

  test('what needs KRaft is answered UNSUPPORTED_VERSION, or not at all', () => {
    const heartbeat = {
      groupId: 'g',
      memberId: '',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['t'],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: [],
    };
    assert.deepEqual(consumerGroupHeartbeat.handle(heartbeat, context), {
      throttleTimeMs: 0,
      errorCode: Errors.UNSUPPORTED_VERSION,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    });
    const described = consumerGroupDescribe.handle(
      { groupIds: ['g', 'h'], includeAuthorizedOperations: false },
      context,
    );
    assert.ok(typeof described === 'object' && 'groups' in described);
    assert.deepEqual(
      described.groups.map(({ groupId, errorCode }) => [groupId, errorCode]),
      [
        ['g', 35],
        ['h', 35],
      ],
    );
    const sealed = { requestData: Buffer.from('x'), requestPrincipal: null, clientHostAddress: Buffer.alloc(4) };
    assert.throws(() => envelope.handle(sealed, context));
    assert.equal(envelope.errorResponse(sealed, Errors.INVALID_REQUEST, '', 0), undefined);
  });
});

describe('the APIs on offer', () => {
  test('at level 3.9 are exactly those of a 3.9 broker in ZooKeeper mode, with their ranges', () => {
    const expected = [...apiLevels.values()]
      .filter(({ servedByZooKeeperModeBroker }) => servedByZooKeeperModeBroker)
      .map(({ apiKey, versions }) => ({ apiKey, minVersion: versions['3.9']?.[0], maxVersion: versions['3.9']?.[1] }));
    assert.equal(expected.length, 62);
    assert.deepEqual(new ApiVersionsManager(handlers, '3.9').apiVersions(), expected);
  });

  for (const release of API_RELEASES.filter((each) => each !== '4.2' && each !== '3.9')) {
    test(`at level ${release} are exactly those of that release`, () => {
      const expected = [...apiLevels.values()].flatMap(({ apiKey, versions }) => {
        const range = versions[release];
        return range === null ? [] : [{ apiKey, minVersion: range[0], maxVersion: range[1] }];
      });
      assert.deepEqual(new ApiVersionsManager(handlers, release).apiVersions(), expected);
    });
  }
});
