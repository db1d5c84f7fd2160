import './sentence.css';

import type { Piece } from '../../flag/sentence.ts';

/** A rule's sentence, each kind of word in its own way. */
export function Sentence({ pieces }: { pieces: Piece[] }) {
  return (
    <span className="sentence given">
      {pieces.map((piece, index) => {
        const tight = index === 0 || piece.text.startsWith(',') || piece.text === ')' || pieces[index - 1]?.text.endsWith('(');
        const listed = piece.kind === 'value' && pieces[index - 1]?.kind === 'value';
        return (
          <span key={index}>
            {tight ? '' : listed ? ', ' : ' '}
            {piece.kind === 'word' ? piece.text : <bdi className={`said ${piece.kind}`}>{piece.text}</bdi>}
          </span>
        );
      })}
    </span>
  );
}
