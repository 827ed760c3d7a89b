// What a broker without authorizer, SASL and delegation tokens answers to those who ask for them.

import {
  createAcls,
  createDelegationToken,
  deleteAcls,
  describeAcls,
  describeDelegationToken,
  expireDelegationToken,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
} from '@ottla/protocol';
import { ask, type Step, since } from '../step.ts';

const ANY = 1;
const TOPIC = 2;
const LITERAL = 3;
const READ = 3;
const ALLOW = 3;

export function securitySteps(): Step[] {
  return [...aclSteps(), ...saslSteps(), ...tokenSteps()];
}

function aclSteps(): Step[] {
  const rule = { principal: 'User:alice', host: '*', operation: READ, permissionType: ALLOW };
  const filter = {
    resourceTypeFilter: ANY,
    resourceNameFilter: null,
    principalFilter: null,
    hostFilter: null,
    operation: ANY,
    permissionType: ANY,
  };
  return [
    ask('describe ACLs', describeAcls, (version) => ({ ...filter, ...since(version, 1, { patternTypeFilter: ANY }) })),
    ask('create ACLs', createAcls, (version) => ({
      creations: [
        {
          resourceType: TOPIC,
          resourceName: 'orders',
          ...rule,
          ...since(version, 1, { resourcePatternType: LITERAL }),
        },
      ],
    })),
    ask('create no ACLs', createAcls, () => ({ creations: [] })),
    ask('delete ACLs', deleteAcls, (version) => ({
      filters: [{ ...filter, ...since(version, 1, { patternTypeFilter: ANY }) }],
    })),
  ];
}

function saslSteps(): Step[] {
  return [
    ask('shake hands for SASL', saslHandshake, () => ({ mechanism: 'PLAIN' })),
    ask('authenticate with SASL', saslAuthenticate, () => ({ authBytes: Buffer.from('\0alice\0secret') })),
  ];
}

function tokenSteps(): Step[] {
  const hmac = Buffer.from('no such token');
  return [
    ask('create a delegation token', createDelegationToken, (version) => ({
      renewers: [],
      maxLifetimeMs: 1000,
      ...since(version, 3, { ownerPrincipalType: null, ownerPrincipalName: null }),
    })),
    ask('renew a delegation token', renewDelegationToken, () => ({ hmac, renewPeriodMs: 1000 })),
    ask('expire a delegation token', expireDelegationToken, () => ({ hmac, expiryTimePeriodMs: 1000 })),
    ask('describe delegation tokens', describeDelegationToken, () => ({ owners: null })),
    ask('describe delegation tokens of somebody', describeDelegationToken, () => ({
      owners: [{ principalType: 'User', principalName: 'alice' }],
    })),
  ];
}
