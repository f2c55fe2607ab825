import type { ErasureStoreName } from '@signet/contracts';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/** Whose data it is. */
export interface SubjectOfData {
  id: string;
  workspaceId: string;
  subject: string;
}

/** Something that is kept about a subject, without secrets. */
export interface SubjectRecord {
  kind: string;
  data: object;
}

/** What was erased; `codeIds`: the codes that were made for the subject alone. */
export interface ErasedData {
  records: number;
  codeIds?: string[];
}

/** What a context keeps about subjects. */
export interface SubjectStore {
  store: ErasureStoreName;
  /**
   * Erases it in the transaction that holds the subject's lock. Absent: another service does, when it is told.
   */
  erase?: (manager: EntityManager, subject: SubjectOfData) => Promise<ErasedData>;
  /** Reads it a page at a time, oldest first. */
  read?: (manager: EntityManager, subject: SubjectOfData) => AsyncIterable<SubjectRecord>;
}

/** The contexts that keep something about subjects: each says how to erase and to read it, once, at its start. */
@Injectable()
export class SubjectStores {
  private readonly registered: SubjectStore[] = [];

  register(store: SubjectStore): void {
    this.registered.push(store);
  }

  get all(): readonly SubjectStore[] {
    return this.registered;
  }
}
