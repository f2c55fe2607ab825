/** The pieces of a question (time-range.ts) as a relation, from their JSON. */
export const piecesOf = (parameter: string): string =>
  `json_to_recordset(${parameter}) AS piece (grain text, "from" float8, "to" float8)`;

/** Whether a window `r` begins in `piece`. */
export const WITHIN_PIECE = `r.bucket >= to_timestamp(piece."from" / 1000) AND r.bucket < to_timestamp(piece."to" / 1000)`;
