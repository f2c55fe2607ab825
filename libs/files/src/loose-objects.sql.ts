import type { EntityManager } from 'typeorm';

/** Writes down that there is, or may soon be, an object that no file has. */
export async function insertLooseObject(
  manager: EntityManager,
  { id, removeAfter }: { id: string; removeAfter: Date },
): Promise<void> {
  await manager.query('INSERT INTO files.loose_objects (id, remove_after) VALUES ($1, $2)', [id, removeAfter]);
}

/** A file has the object now. @returns whether it still may: nobody has begun to remove it */
export async function adoptLooseObject(manager: EntityManager, id: string): Promise<boolean> {
  const [, taken]: [unknown, number] = await manager.query(
    'DELETE FROM files.loose_objects WHERE id = $1 AND NOT doomed',
    [id],
  );
  return taken === 1;
}

/**
 * From now on no file can have the object. Waits for a transaction that is about to give it to one.
 * @returns whether it belongs to none
 */
export async function doomLooseObject(manager: EntityManager, id: string): Promise<boolean> {
  const [, doomed]: [unknown, number] = await manager.query(
    'UPDATE files.loose_objects SET doomed = true WHERE id = $1',
    [id],
  );
  return doomed === 1;
}

/** Dooms objects whose time is over, and those that were doomed and are still there. @returns their ids */
export async function doomOverdueObjects(
  manager: EntityManager,
  { at, limit }: { at: Date; limit: number },
): Promise<string[]> {
  const [rows]: [{ id: string }[], number] = await manager.query(
    `UPDATE files.loose_objects SET doomed = true
     WHERE id IN (SELECT id FROM files.loose_objects WHERE remove_after <= $1 ORDER BY remove_after LIMIT $2
                  FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [at, limit],
  );
  return rows.map(({ id }) => id);
}

/** The store has them no more. */
export async function forgetLooseObjects(manager: EntityManager, ids: readonly string[]): Promise<void> {
  await manager.query('DELETE FROM files.loose_objects WHERE id = ANY($1)', [ids]);
}
