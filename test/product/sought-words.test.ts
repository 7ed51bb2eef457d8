import { conjunctionsOf } from '../../src/product/sought-words.js';

const word = (...texts: string[]) => texts.map((text) => ({ text, isBeginning: false }));
const beginning = (text: string) => [{ text, isBeginning: true }];

describe('the words of a tsquery', () => {
  it('stand together, in each of its alternatives', () => {
    expect(conjunctionsOf(`'steel' & 'lamp'`)).toEqual([[word('steel'), word('lamp')]]);
    expect(conjunctionsOf(`'steel' | 'red' & 'lamp'`)).toEqual([
      [word('steel')],
      [word('red'), word('lamp')],
    ]);
  });

  it('stand together when they follow each other', () => {
    expect(conjunctionsOf(`'usb-c' <-> 'usb' <2> 'c'`)).toEqual([[word('usb-c'), word('usb'), word('c')]]);
  });

  it('may stand for others', () => {
    expect(conjunctionsOf(`( 'keybaord' | 'keyboard' ) & 'steel'`)).toEqual([
      [word('keybaord', 'keyboard'), word('steel')],
    ]);
    expect(conjunctionsOf(`'steel' & ( 'lam':* | 'lamp' )`)).toEqual([
      [word('steel'), [...beginning('lam'), ...word('lamp')]],
    ]);
  });

  it('are told once, when whatever has the one alternative has the other', () => {
    expect(conjunctionsOf(`'steel' & 'lamp' | 'steel' & 'lamp':*`)).toEqual([
      [word('steel'), beginning('lamp')],
    ]);
    expect(conjunctionsOf(`'steel' | 'lamp' | 'steel' | 'lamp':*`)).toEqual([
      [word('steel')],
      [beginning('lamp')],
    ]);
    expect(conjunctionsOf(`'lamp' | 'lamps':*`)).toEqual([[word('lamp')], [beginning('lamps')]]);
  });

  it('have their quotes and backslashes back', () => {
    expect(conjunctionsOf(`'o''neil' & 'a\\\\b'`)).toEqual([[word(`o'neil`), word('a\\b')]]);
  });

  it('are not told when something is excluded, or stands deeper', () => {
    expect(conjunctionsOf(`'steel' & !'lamp'`)).toBeNull();
    expect(conjunctionsOf(`'steel' & ( 'red' & 'lamp' | 'chair' )`)).toBeNull();
    expect(conjunctionsOf(`'steel' & ( 'red' | ( 'lamp' | 'chair' ) )`)).toBeNull();
  });

  it('are none in nothing', () => {
    expect(conjunctionsOf('')).toEqual([]);
  });
});
