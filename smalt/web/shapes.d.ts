// The shapes that the comments of smalt/static name: for editors and the type checker. They are not served.

declare type Citation = {
  n: number; document_id: string; document: string; page: number | null; sheet: string | null; cell: string | null;
  quote: string; box: number[] | null; label: string | null; header?: string | null; period: string | null;
  unit: string | null; value?: string | null;
};
declare type Part = { text: string; figure?: boolean; n?: number[]; traced?: boolean };
declare type Answer = {
  text: string; formula: string | null; citations: Citation[]; checks: { figures: number; traced: number };
  engine: string; declined: boolean; looked_for: string[]; nearest: Citation[]; parts?: Part[]; formula_parts?: Part[];
};
declare type Turn = {
  id: string; conversation_id: string; question: string; state: string; answer: Answer | null; asked_at: string;
  total_ms: number | null; sent_to: string | null;
};
declare type ProblemFacts = {
  status: number; code: string; happened: string; kept: string; todo: string; retry?: number;
};
declare type Child = Node | string | number | null | undefined | false;
declare type RowView = {
  sent: (percent: number) => void; doc: (doc: Doc) => void; broke: (error: unknown) => void; gone: () => void;
};
declare type Key = { keys: string[]; says: string; run?: (event: KeyboardEvent) => void; typing?: boolean };
declare type Box = [number, number, number, number];
declare type Cell = { text: string; column: number; box: Box | null; ref: string | null };
declare type Row = {
  label: string; label_box: Box | null; label_ref: string | null; box: Box | null; index: number; cells: Cell[];
};
declare type Table = { above: string[]; header: Row[]; rows: Row[]; box: Box | null };
declare type Grid = {
  columns: string[]; rows: { index: number; bold: boolean; cells: ({ ref: string; text: string } | null)[] }[];
};
declare type Page = {
  number: number; width: number; height: number; sheet: string | null; lines: { text: string; box: Box | null }[];
  tables: Table[]; grid: Grid | null;
};
declare type Target = { box?: number[] | null; cell?: string | null; quote?: string | null };
declare type Talk = { id: string; title: string };
declare type Doc = {
  id: string; name: string; kind: string; size_bytes: number; status: string; progress: number; pages: number | null;
  failure: { code: string; happened: string; todo: string } | null; created_at: string;
};
