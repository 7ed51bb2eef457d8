import { type ComponentType, useEffect, useState } from 'react';
import { Loading } from 'react-admin';
import { Fault } from './fault';

const UNFETCHED = new Error('This part of the page could not be fetched.');

/**
 * A view whose code is fetched when it is first looked at, as by `lazy`. But React holds back for a third of a second what it
 * has once shown a fallback for, and this is there as soon as its code is.
 * When it cannot be fetched, that is said in its place: without the network, or when a newer service has come meanwhile.
 */
export function later<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>) {
  let View: ComponentType<Props> | undefined;
  return function Later(props: Props) {
    const [fault, setFault] = useState<unknown>();
    const [isThere, setIsThere] = useState(View !== undefined);
    useEffect(() => {
      load().then((module) => {
        View = module.default;
        setIsThere(true);
      }, setFault);
    }, []);
    // A browser may remember that a script was not there: only a new page asks again.
    if (fault) return <Fault error={UNFETCHED} retry={() => window.location.reload()} />;
    return isThere && View ? <View {...props} /> : <Loading />;
  };
}
