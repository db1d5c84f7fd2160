'use client';

import { useFlag } from 'pennon/react';

export function Banner() {
  return <p id="banner">{`${useFlag('banner-text', 'default')} ${useFlag('new-checkout', false)}`}</p>;
}
