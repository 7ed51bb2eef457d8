import { useEffect } from 'react';

const PLACE = 'react-admin-title';

/** The tab and the history are named like the page. react-admin puts that name into an element of the bar, and nowhere else. */
export function useDocumentTitle(): void {
  useEffect(() => {
    const place = document.getElementById(PLACE);
    if (!place) return;
    const follow = () => {
      document.title = place.textContent ? `${place.textContent} – Holdfast` : 'Holdfast';
    };
    follow();
    const observer = new MutationObserver(follow);
    observer.observe(place, { childList: true, characterData: true, subtree: true });
    return () => observer.disconnect();
  }, []);
}
