import { newId, type ManualClock } from '@signet/platform';
import { authenticatorCode } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { FactorEnrollment } from './factor-enrollment.js';
import { lockSubject } from './subjects.sql.js';

const STEP_MILLISECONDS = 30_000;

export interface Person {
  subject: string;
  factorId: string;
  secret: Buffer;
}

interface Place {
  app: NestFastifyApplication;
  dataSource: DataSource;
  clock: ManualClock;
  /** Of a key with every scope. */
  admin: string;
}

/** Calls of an administrator, and people with factors, for tests. */
export class People {
  constructor(private readonly place: Place) {}

  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    payload?: object | string,
    headers: Record<string, string> = {},
  ) {
    const authorization = `Bearer ${this.place.admin}`;
    return this.place.app.inject({ method, url, payload, headers: { authorization, ...headers } });
  }

  /** A subject with an active TOTP factor, whose step of confirmation is over. */
  async enroll(subject: string, profile: object = {}): Promise<Person> {
    await this.call('PUT', `/v1/subjects/${subject}`, profile);
    const { app, dataSource, clock } = this.place;
    const { workspaceId } = (await this.call('GET', '/v1/whoami')).json();
    const person = await dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, workspaceId, subject);
      if (!stored) throw new Error('no such subject');
      const factors = app.get(FactorEnrollment, { strict: false });
      const at = clock.now();
      const { factorId, secret, parameters } = await factors.begin(manager, stored, at);
      const { algorithm, digits, periodSeconds } = parameters;
      const code = authenticatorCode(secret, at, { hash: algorithm.toLowerCase(), digits, periodSeconds });
      if (!(await factors.confirm(manager, factorId, { code, at }))) throw new Error('not confirmed');
      return { subject, factorId, secret };
    });
    clock.advance(STEP_MILLISECONDS);
    return person;
  }

  async recoveryCodes(subject: string): Promise<string[]> {
    const { app, dataSource, clock } = this.place;
    const { workspaceId } = (await this.call('GET', '/v1/whoami')).json();
    return dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, workspaceId, subject);
      if (!stored) throw new Error('no such subject');
      const doing = { actor: 'system', requestId: newId(), at: clock.now() };
      return app.get(FactorEnrollment, { strict: false }).issueRecoveryCodes(manager, stored, doing);
    });
  }

  /** The code of a person's app, `steps` from now. */
  code({ secret }: Person, steps = 0): string {
    return authenticatorCode(secret, new Date(this.place.clock.now().getTime() + steps * STEP_MILLISECONDS));
  }

  verify(subject: string, code: string, more: object = {}) {
    return this.call('POST', '/v1/verifications', { subject, factor: 'totp', code, ...more });
  }

  async auditActions(subject: string): Promise<(string | undefined)[]> {
    const rows: { action: string }[] = await this.place.dataSource.query(
      `SELECT record->>'action' AS action FROM audit.entries WHERE record->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ action }) => action);
  }

  async events(subject: string): Promise<{ type: string; data: unknown }[]> {
    return this.place.dataSource.query(
      `SELECT type, payload AS data FROM outbox.events WHERE payload->>'subject' = $1 ORDER BY position`,
      [subject],
    );
  }
}
