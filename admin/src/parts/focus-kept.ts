import { type RefObject, useLayoutEffect, useRef } from 'react';

/** By react-admin, and what its link for skipping leads to. */
const MAIN = 'main-content';

/**
 * For a button that goes with what it has done, as "Ship" does. Whoever has pressed it by the keyboard goes on in the page from
 * there, and does not begin anew at its top.
 */
export function useFocusKept<T extends HTMLElement>(): RefObject<T | null> {
  const button = useRef<T>(null);
  useLayoutEffect(() => {
    const element = button.current;
    return () => {
      if (element !== null && element === document.activeElement) focusMain();
    };
  }, []);
  return button;
}

function focusMain(): void {
  const main = document.getElementById(MAIN);
  main?.setAttribute('tabindex', '-1');
  main?.focus({ preventScroll: true });
}
