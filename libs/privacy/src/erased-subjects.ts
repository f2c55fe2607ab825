import type { EntityManager } from 'typeorm';
import { awaitErasures, findErased, holdStoring, subjectHash, type SubjectInWorkspace } from './erasures.sql.js';

/** Whom something that happened is about. */
export interface NamedSubject extends SubjectInWorkspace {
  at: Date;
}

/**
 * Whose events of before must not be stored any more: the log gives them late, or again, while it has them. A name that
 * somebody has anew is another matter: what happened after the erasure is theirs.
 */
export class ErasedSubjects {
  private constructor(private readonly byHash: ReadonlyMap<string, { id: string; requestedAt: Date }>) {}

  /**
   * @param manager of the transaction that stores what is about these subjects: an erasure waits until it has ended, and
   * then finds what it stored
   */
  static async among(manager: EntityManager, subjects: readonly SubjectInWorkspace[]): Promise<ErasedSubjects> {
    if (subjects.length === 0) return new ErasedSubjects(new Map());
    await awaitErasures(manager);
    const hashes = new Map(subjects.map((subject) => [`${subject.workspaceId} ${subject.subject}`, subject]));
    const found = await findErased(manager, Array.from(hashes.values(), subjectHash));
    return new ErasedSubjects(new Map(found.map(({ hash, ...erasure }) => [hash, erasure])));
  }

  /** For a transaction that erases: nothing that was about to be stored escapes it. */
  static hold(manager: EntityManager): Promise<void> {
    return holdStoring(manager);
  }

  /** @returns the erasure that this falls under */
  erasureOf({ at, ...subject }: NamedSubject): string | undefined {
    if (this.byHash.size === 0) return undefined;
    const erasure = this.byHash.get(subjectHash(subject).toString('hex'));
    return erasure && at <= erasure.requestedAt ? erasure.id : undefined;
  }
}
