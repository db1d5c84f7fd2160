// Instants as an input of the kind datetime-local has them: in this computer's time, to the minute.
export function toLocal(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

export function fromLocal(text: string): number | undefined {
  const at = new Date(text).getTime();
  return Number.isFinite(at) ? at : undefined;
}
