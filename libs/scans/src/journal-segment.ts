import { constants, readFileSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeFrames, framesIn, verified, type Frame } from './journal-frame.js';

/** A write is durable when it returns: one call of the thread pool in place of a write and a flush. */
const APPEND_FLAGS = constants.O_RDWR | constants.O_DSYNC;

/** The file that is appended to, by one write at a time. */
export class JournalSegment {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private length: number,
  ) {}

  /** @throws what the disk says; then there is no such file */
  static async create(path: string, frames: readonly Frame[]): Promise<JournalSegment> {
    const file = await open(path, APPEND_FLAGS | constants.O_CREAT | constants.O_TRUNC, 0o600);
    const segment = new JournalSegment(path, file, 0);
    try {
      await segment.append(frames);
      await syncFolder(dirname(path));
      return segment;
    } catch (error) {
      await file.close();
      await unlink(path);
      throw error;
    }
  }

  /** Goes on behind the last whole write; what a crash left of another one goes. */
  static async open(path: string): Promise<{ segment: JournalSegment; frames: Frame[] }> {
    const file = await open(path, APPEND_FLAGS);
    const { frames, end } = wholeWritesIn(await file.readFile());
    await file.truncate(end);
    return { segment: new JournalSegment(path, file, end), frames };
  }

  get bytes(): number {
    return this.length;
  }

  /** @throws what the disk says; then nothing was written */
  async append(frames: readonly Frame[]): Promise<void> {
    const bytes = encodeFrames(frames);
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.file.write(bytes, at, bytes.length - at, this.length + at);
        at += bytesWritten;
      }
    } catch (error) {
      await this.file.truncate(this.length);
      throw error;
    }
    this.length += bytes.length;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** @returns the frames of a file that nobody appends to */
export const readSegment = (path: string): Frame[] => wholeWritesIn(readFileSync(path)).frames;

/** Without the last write when not all of it is there, in which nobody was told that it succeeded. */
function wholeWritesIn(segment: Buffer): { frames: Frame[]; end: number } {
  const frames = [...framesIn(segment)];
  const isUnfinished = ({ isContinued, bytes }: Frame): boolean => isContinued || verified(bytes) === undefined;
  let last = frames.length - 1;
  const tail = frames[last];
  if (tail && isUnfinished(tail)) {
    last -= 1;
    while (frames[last]?.isContinued) last -= 1;
  }
  return { frames: frames.slice(0, last + 1), end: frames[last]?.end ?? 0 };
}

/** A file that was made is there after a power failure when its folder is safe, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync();
  await folder.close();
}
