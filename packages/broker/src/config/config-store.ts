// Settings of topics, brokers, users, clients and addresses in the tree: read, change, tell. Source: kafka.zk.AdminZkClient.

/** What is needed of KafkaZkClient. Entity names are sanitized, or `<default>`. */
export interface ConfigTree {
  /** No settings when there is no node. */
  getEntityConfigs(entityType: string, entityName: string): Promise<Map<string, string>>;
  setOrCreateEntityConfigs(entityType: string, entityName: string, config: ReadonlyMap<string, string>): Promise<void>;
  createConfigChangeNotification(sanitizedEntityPath: string): Promise<void>;
  getAllEntitiesWithConfig(entityType: string): Promise<string[]>;
}

/** The entity whose settings hold for all others of its kind. */
export const DEFAULT_ENTITY_NAME = '<default>';

/** A change: the settings an entity shall have from now on; undefined: it stays as it is. */
export type ConfigUpdate = (current: ReadonlyMap<string, string>) => ReadonlyMap<string, string> | undefined;

/** Where an entity's settings are: `users` and `alice/clients/app`. */
export interface ConfigEntityPath {
  readonly rootType: string;
  readonly name: string;
}

export interface ConfigStoreOptions {
  readonly tree: ConfigTree;
  /** Called after a change is in the tree and every broker was told; awaited, so that this broker acts on it before it answers. */
  readonly onChanged?: (entityPath: string) => Promise<void>;
}

export class ConfigStore {
  readonly #tree: ConfigTree;
  readonly #onChanged: (entityPath: string) => Promise<void>;
  /** The last change under way: one after the other, so that none overwrites what another has just read. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor({ tree, onChanged }: ConfigStoreOptions) {
    this.#tree = tree;
    this.#onChanged = onChanged ?? (() => Promise.resolve());
  }

  fetch({ rootType, name }: ConfigEntityPath): Promise<Map<string, string>> {
    return this.#tree.getEntityConfigs(rootType, name);
  }

  /** Sanitized names of the entities of a type, without those nested below others. */
  names(rootType: string): Promise<string[]> {
    return this.#tree.getAllEntitiesWithConfig(rootType);
  }

  /** Reads, changes and writes one entity's settings, and tells every broker. Rejects with what `update` throws. */
  change(
    entity: ConfigEntityPath,
    update: ConfigUpdate,
    options: { notify: boolean } = { notify: true },
  ): Promise<void> {
    const change = this.#changes.then(() => this.#change(entity, update, options.notify));
    // The next change starts whether or not this one went well; whoever asked for this one is told.
    this.#changes = change.then(
      () => {},
      () => {},
    );
    return change;
  }

  async #change(entity: ConfigEntityPath, update: ConfigUpdate, notify: boolean): Promise<void> {
    const wanted = update(await this.fetch(entity));
    if (wanted === undefined) return;
    const entityPath = `${entity.rootType}/${entity.name}`;
    await this.#tree.setOrCreateEntityConfigs(entity.rootType, entity.name, wanted);
    if (notify) await this.#tree.createConfigChangeNotification(entityPath);
    await this.#onChanged(entityPath);
  }
}
