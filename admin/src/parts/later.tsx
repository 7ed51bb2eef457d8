import { type ComponentType, useEffect, useState } from 'react';
import { Loading } from 'react-admin';

/**
 * A view whose code is fetched when it is first looked at, as by `lazy`. But React holds back for a third of a second what it
 * has once shown a fallback for, and this is there as soon as its code is.
 * @throws where it is drawn, when the code cannot be fetched.
 */
export function later<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>) {
  let View: ComponentType<Props> | undefined;
  return function Later(props: Props) {
    const [fault, setFault] = useState<Error>();
    const [isThere, setIsThere] = useState(View !== undefined);
    useEffect(() => {
      load().then((module) => {
        View = module.default;
        setIsThere(true);
      }, setFault);
    }, []);
    if (fault) throw fault;
    return isThere && View ? <View {...props} /> : <Loading />;
  };
}
