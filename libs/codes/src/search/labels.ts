import type { CodeVersion } from '@signet/contracts';
import type { Change } from '../code-rules.js';
import type { StoredCode } from '../code.js';

export const LABEL_KINDS = ['tag', 'folder', 'campaign'] as const;
export type LabelKind = (typeof LABEL_KINDS)[number];

/** How many more codes (fewer, when negative) have a label. */
export interface LabelChange {
  workspaceId: string;
  kind: LabelKind;
  name: string;
  codes: number;
}

type Labelled = Pick<StoredCode, 'workspaceId' | 'tags' | 'folder' | 'campaign'>;
interface Told {
  code: Labelled;
  action: CodeVersion['action'];
  changes: readonly Change[];
}

/** What changes of codes, each as the history tells it, do to the counts of labels; nothing that adds up to 0. */
export function labelChanges(told: readonly Told[]): LabelChange[] {
  const sums = new Map<string, LabelChange>();
  const add = (workspaceId: string, labels: readonly [LabelKind, string][], codes: number): void => {
    for (const [kind, name] of labels) {
      const key = JSON.stringify([workspaceId, kind, name]);
      const sum = sums.get(key) ?? { workspaceId, kind, name, codes: 0 };
      sums.set(key, { ...sum, codes: sum.codes + codes });
    }
  };
  for (const { code, action, changes } of told) {
    const { workspaceId } = code;
    if (action === 'created') add(workspaceId, labelsOf(code), 1);
    else if (action === 'archived') add(workspaceId, labelsOf(code), -1);
    else {
      add(workspaceId, labelsOf({ ...NONE, ...fields(changes, 'from') }), -1);
      add(workspaceId, labelsOf({ ...NONE, ...fields(changes, 'to') }), 1);
    }
  }
  return [...sums.values()].filter(({ codes }) => codes !== 0);
}

type Labels = Pick<StoredCode, 'tags' | 'folder' | 'campaign'>;
const NONE: Labels = { tags: [], folder: null, campaign: null };

/** A tag that a code has twice is one. */
const labelsOf = ({ tags, folder, campaign }: Labels): [LabelKind, string][] => [
  ...[...new Set(tags)].map((name): [LabelKind, string] => ['tag', name]),
  ...(folder === null ? [] : [['folder', folder] satisfies [LabelKind, string]]),
  ...(campaign === null ? [] : [['campaign', campaign] satisfies [LabelKind, string]]),
];

/** The labels among what changed, on one side of the change. */
function fields(changes: readonly Change[], side: 'from' | 'to'): Partial<Labels> {
  const found: Partial<Labels> = {};
  for (const change of changes) {
    const value = change[side];
    if (change.field === 'tags' && Array.isArray(value)) found.tags = value.map(String);
    if (change.field === 'folder' && typeof value === 'string') found.folder = value;
    if (change.field === 'campaign' && typeof value === 'string') found.campaign = value;
  }
  return found;
}
