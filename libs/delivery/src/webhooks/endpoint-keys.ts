import type { WebhookSignature } from '@signet/contracts';
import { KeyRing, newId, type SealedColumn } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { findKeys, insertKey, type StoredKey } from './endpoints.sql.js';
import { newSigningKey, type SigningKey } from './webhook-signature.js';

interface KeyOwner {
  workspaceId: string;
  endpointId: string;
}

const PURPOSE = 'webhook-secret';
/** The secrets of endpoints, for `signet keys rotate`. */
export const webhookSecrets: SealedColumn = {
  table: 'delivery.endpoint_keys',
  column: 'sealed_secret',
  workspaceId: '(SELECT workspace_id FROM delivery.endpoints WHERE endpoints.id = endpoint_keys.endpoint_id)',
  purpose: PURPOSE,
};

const contextOf = ({ workspaceId }: KeyOwner, keyId: string) => ({
  workspaceId,
  recordId: keyId,
  purpose: PURPOSE,
});

/** The keys that sign for endpoints, sealed where they rest. */
@Injectable()
export class EndpointKeys {
  constructor(private readonly keyRing: KeyRing) {}

  async add(manager: EntityManager, owner: KeyOwner, signature: WebhookSignature, at: Date): Promise<SigningKey> {
    const key = newSigningKey(signature);
    const id = newId();
    const sealedSecret = this.keyRing.seal(Buffer.from(key.secret), contextOf(owner, id));
    await insertKey(manager, { id, endpointId: owner.endpointId, sealedSecret, publicKey: key.publicKey }, at);
    return key;
  }

  /** @returns by endpoint the secrets in force, the newest first */
  async secretsOf(manager: EntityManager, owners: readonly KeyOwner[], at: Date): Promise<Map<string, string[]>> {
    const byId = new Map(owners.map((owner) => [owner.endpointId, owner]));
    const secrets = new Map<string, string[]>();
    for (const key of await findKeys(manager, [...byId.keys()], at)) {
      const owner = byId.get(key.endpointId);
      if (owner) secrets.set(key.endpointId, [...(secrets.get(key.endpointId) ?? []), this.open(owner, key)]);
    }
    return secrets;
  }

  private open(owner: KeyOwner, { id, sealedSecret }: StoredKey): string {
    return this.keyRing.open(sealedSecret, contextOf(owner, id)).toString();
  }
}
