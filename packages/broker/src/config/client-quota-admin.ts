// Client quotas in the tree: of users, client ids, both together, and addresses. They are kept and shown here, and enforced elsewhere.
// Source: kafka.server.ZkAdminManager.{describeClientQuotas, alterClientQuotas} (3.9), KIP-546, KIP-612.

import { type ConfigDef, Errors, formatJavaDouble, KafkaError } from '@ottla/base';
import { desanitize, sanitize } from '@ottla/coordination';
import { type ConfigEntityPath, type ConfigStore, DEFAULT_ENTITY_NAME } from './config-store.ts';
import { ipQuotaDef, userClientQuotaDef } from './dynamic-config-defs.ts';

/** Entity type → name; null: the default of that type. Types: `user`, `client-id`, `ip`. */
export type QuotaEntity = ReadonlyMap<string, string | null>;

export interface QuotaOperation {
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

export const QuotaMatch = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const;

export interface QuotaFilterComponent {
  readonly entityType: string;
  /** A QuotaMatch. */
  readonly matchType: number;
  readonly match: string | null;
}

export interface DescribedQuota {
  readonly entity: QuotaEntity;
  readonly values: ReadonlyMap<string, number>;
}

const USER = 'user';
const CLIENT_ID = 'client-id';
const IP = 'ip';
/** How far a number may be from a whole one and still count as it. */
const EPSILON = 1e-6;

export class ClientQuotaAdmin {
  readonly #store: ConfigStore;

  constructor(store: ConfigStore) {
    this.#store = store;
  }

  /** @throws KafkaError INVALID_REQUEST */
  async alter(entity: QuotaEntity, operations: readonly QuotaOperation[], validateOnly: boolean): Promise<void> {
    const { path, def } = locate(entity);
    const texts = operations.map((operation) => [operation.key, textOf(operation, def)] as const);
    if (validateOnly) return;
    await this.#store.change(path, (current) => {
      const wanted = new Map(current);
      for (const [key, text] of texts) {
        if (text === undefined) wanted.delete(key);
        else wanted.set(key, text);
      }
      return wanted;
    });
  }

  /** @param strict only entities of exactly the types that `components` name
   *  @throws KafkaError INVALID_REQUEST, UNSUPPORTED_VERSION */
  async describe(components: readonly QuotaFilterComponent[], strict: boolean): Promise<DescribedQuota[]> {
    const filter = toFilter(components);
    const asksIp = filter.has(IP);
    const asksUserOrClient = filter.has(USER) || filter.has(CLIENT_ID);
    if (asksIp && asksUserOrClient) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        'Invalid entity filter component combination, IP filter component should not be used with user or clientId filter component.',
      );
    }
    const stored = [
      ...(asksIp ? [] : await this.#userAndClientQuotas()),
      ...(asksUserOrClient ? [] : await this.#quotasOf('ips', IP, ipQuotaDef)),
    ];
    return stored.filter(({ entity, values }) => values.size > 0 && matches(entity, filter, strict));
  }

  async #userAndClientQuotas(): Promise<DescribedQuota[]> {
    const users = await this.#quotasOf('users', USER, userClientQuotaDef);
    const clients = await this.#quotasOf('clients', CLIENT_ID, userClientQuotaDef);
    const both: DescribedQuota[] = [];
    for (const user of await this.#store.names('users')) {
      const nested = await this.#quotasOf(`users/${user}/clients`, CLIENT_ID, userClientQuotaDef);
      for (const { entity, values } of nested)
        both.push({ entity: new Map([[USER, nameOf(user)], ...entity]), values });
    }
    return [...users, ...clients, ...both];
  }

  async #quotasOf(rootType: string, entityType: string, def: ConfigDef): Promise<DescribedQuota[]> {
    const described: DescribedQuota[] = [];
    for (const name of await this.#store.names(rootType)) {
      const config = await this.#store.fetch({ rootType, name });
      const values = [...config].filter(([key]) => def.has(key)).map(([key, text]) => [key, Number(text)] as const);
      described.push({ entity: new Map([[entityType, nameOf(name)]]), values: new Map(values) });
    }
    return described;
  }
}

/** Where an entity's quotas stand, and which there are. */
function locate(entity: QuotaEntity): { path: ConfigEntityPath; def: ConfigDef } {
  if (entity.size === 0) throw invalid('Invalid empty client quota entity');
  for (const [type, name] of entity) {
    if (type !== USER && type !== CLIENT_ID && type !== IP)
      throw invalid(`Unhandled client quota entity type: ${type}`);
    if (name === '') throw invalid(`Empty ${type} not supported`);
  }
  const user = znodeName(entity.get(USER));
  const clientId = znodeName(entity.get(CLIENT_ID));
  const ip = znodeName(entity.get(IP));
  if (ip !== undefined) {
    if (entity.size > 1) {
      throw invalid('Invalid quota entity combination, IP entity should not be used with user/client ID entity.');
    }
    if (ip !== DEFAULT_ENTITY_NAME && !isAddress(desanitize(ip))) {
      throw invalid(`${ip} is not a valid IP or resolvable host.`);
    }
    return { path: { rootType: 'ips', name: ip }, def: ipQuotaDef };
  }
  if (user === undefined)
    return { path: { rootType: 'clients', name: clientId ?? DEFAULT_ENTITY_NAME }, def: userClientQuotaDef };
  const name = clientId === undefined ? user : `${user}/clients/${clientId}`;
  return { path: { rootType: 'users', name }, def: userClientQuotaDef };
}

/** What is stored for an operation; undefined: nothing any more. */
function textOf({ key, value, remove }: QuotaOperation, def: ConfigDef): string | undefined {
  const row = def.get(key);
  if (row === undefined) throw invalid(`Invalid configuration key ${key}`);
  if (remove) return undefined;
  if (row.type === 'double') return formatJavaDouble(value);
  const whole = Math.trunc(value + EPSILON);
  const max = row.type === 'int' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
  if (!(Math.abs(whole - value) <= EPSILON) || whole > max) {
    throw invalid(`Configuration ${key} must be a ${row.type.toUpperCase()} value`);
  }
  return String(whole === 0 ? 0 : whole);
}

function toFilter(components: readonly QuotaFilterComponent[]): Map<string, QuotaFilterComponent> {
  const filter = new Map<string, QuotaFilterComponent>();
  for (const component of components) {
    const { entityType, matchType } = component;
    if (entityType === '') throw invalid('Unexpected empty filter component entity type');
    if (entityType !== USER && entityType !== CLIENT_ID && entityType !== IP) {
      throw new KafkaError(Errors.UNSUPPORTED_VERSION, `Custom entity type '${entityType}' not supported`);
    }
    if (filter.has(entityType)) throw invalid(`Duplicate ${entityType} filter component entity type`);
    if (matchType < QuotaMatch.EXACT || matchType > QuotaMatch.SPECIFIED)
      throw invalid(`Unexpected match type: ${matchType}`);
    filter.set(entityType, component);
  }
  return filter;
}

function matches(entity: QuotaEntity, filter: ReadonlyMap<string, QuotaFilterComponent>, strict: boolean): boolean {
  for (const [type, component] of filter) {
    const name = entity.get(type);
    if (name === undefined) return false;
    if (component.matchType === QuotaMatch.EXACT && name !== component.match) return false;
    if (component.matchType === QuotaMatch.DEFAULT && name !== null) return false;
  }
  return !strict || [...entity.keys()].every((type) => filter.has(type));
}

function znodeName(name: string | null | undefined): string | undefined {
  if (name === undefined) return undefined;
  return name === null ? DEFAULT_ENTITY_NAME : sanitize(name);
}

function nameOf(znode: string): string | null {
  return znode === DEFAULT_ENTITY_NAME ? null : desanitize(znode);
}

/** An IPv4 or IPv6 address. Kafka would also take a name that resolves; looking up names that clients send is not worth it. */
function isAddress(text: string): boolean {
  if (/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(text)) return true;
  return text.includes(':') && URL.canParse(`http://[${text}]/`);
}

function invalid(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_REQUEST, message);
}
