import './layers.css';

import { freeSlots, overlap, type Slot, slotInWords } from '../../flag/slots.ts';
import { PercentInput } from '../flag/serve/PercentInput.tsx';
import { type NamedSlot, SlotBar } from './SlotBar.tsx';

interface Props {
  slot: Slot;
  /** What others take of the layer in this environment. */
  taken: NamedSlot[];
  onChange: (slot: Slot) => void;
}

/** A slot: from where to where, beside what others take. */
export function SlotFields({ slot, taken, onChange }: Props) {
  const shared = taken.filter((other) => overlap(other, slot));
  const free = freeSlots(taken);
  return (
    <div className="stack-small">
      <SlotBar slots={taken} own={slot} />
      <div className="slot-fields">
        <span className="row-fixed small">From <PercentInput label="Slot from" weight={slot.from} onChange={(from) => onChange({ ...slot, from })} /></span>
        <span className="row-fixed small">To <PercentInput label="Slot to" weight={slot.to} onChange={(to) => onChange({ ...slot, to })} /></span>
        {free.slice(0, 4).map((one) => <button key={one.from} type="button" className="button usual" aria-pressed={one.from === slot.from && one.to === slot.to} onClick={() => onChange({ ...slot, ...one })}>free: {slotInWords(one)}</button>)}
      </div>
      {slot.from >= slot.to ? <p className="bad small" role="alert">The slot must end behind its beginning.</p> : null}
      {shared.length > 0 ? <p className="small doubtful given" role="status">People in both: {shared.map(({ name, ...other }) => `${name} takes ${slotInWords(other)}`).join('; ')}.</p> : null}
      {free.length === 0 && shared.length === 0 ? <p className="small soft">Nothing else is free.</p> : null}
    </div>
  );
}
