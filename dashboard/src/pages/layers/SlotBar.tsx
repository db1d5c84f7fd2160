import './layers.css';

import { slotInWords, type Slot } from '../../flag/slots.ts';
import { partColour } from '../flag/serve/colours.ts';

export interface NamedSlot extends Slot {
  name: string;
}

/** Who takes which part of a layer, as a bar. The same stands beside it in words. */
export function SlotBar({ slots, own }: { slots: NamedSlot[]; own?: Slot | undefined }) {
  const words = slots.map((slot) => `${slotInWords(slot)}: ${slot.name}`).join('; ');
  const place = ({ from, to }: Slot) => ({ left: `${from / 1000}%`, width: `${Math.max(0, to - from) / 1000}%` });
  return (
    <div className="slot-bar" role="img" aria-label={words || 'Nothing is taken'}>
      {slots.map((slot, index) => <span key={index} title={`${slotInWords(slot)}: ${slot.name}`} style={{ ...place(slot), background: own ? 'var(--line-strong)' : partColour(index) }} />)}
      {own ? <span className="slot-own" style={place(own)} /> : null}
    </div>
  );
}
