import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { CleanText } from '../../src/platform/http/clean-text.js';

class Letter {
  @CleanText({ min: 1, max: 5 })
  title: unknown = 'title';

  @CleanText({ min: 0, max: 20, multiline: true })
  text: unknown = '';

  @CleanText({ min: 1, max: 5, each: true })
  tags: unknown = [];
}

const faultsOf = (members: object) =>
  validateSync(plainToInstance(Letter, members)).flatMap(({ constraints }) =>
    Object.values(constraints ?? {}),
  );

describe('a clean text', () => {
  it.each<[object]>([
    [{ title: 'a' }],
    [{ title: 'émoji' }],
    [{ title: '🦀🦀🦀🦀🦀' }],
    [{ text: '' }],
    [{ text: 'one\r\n\ttwo' }],
    [{ tags: ['one', 'two'] }],
  ])('may be %j', (members) => {
    expect(faultsOf(members)).toEqual([]);
  });

  it.each<[object, string]>([
    [{ title: '' }, 'title must be between 1 and 5 characters'],
    [{ title: 'longer' }, 'title must be between 1 and 5 characters'],
    [{ title: 5 }, 'title must be between 1 and 5 characters'],
    [{ title: null }, 'title must be between 1 and 5 characters'],
    [{ title: ['a'] }, 'title must be between 1 and 5 characters'],
    [{ title: 'a\0' }, 'title must not have control characters'],
    [{ title: 'a\nb' }, 'title must not have control characters'],
    [{ title: 'a\x7f' }, 'title must not have control characters'],
    [{ title: 'a\x85' }, 'title must not have control characters'],
    [{ title: '\ud83d' }, 'title must be valid Unicode'],
    [{ title: '\udc00a' }, 'title must be valid Unicode'],
    [{ text: 'a\0b' }, 'text must not have control characters'],
    [{ text: 'a\x1bb' }, 'text must not have control characters'],
    [{ tags: ['one', ''] }, 'each of tags must be between 1 and 5 characters'],
    [{ tags: ['one', 'a\0'] }, 'each of tags must not have control characters'],
    [{ tags: ['one', 1] }, 'each of tags must be between 1 and 5 characters'],
  ])('cannot be %j', (members, fault) => {
    expect(faultsOf(members)).toEqual([fault]);
  });
});
