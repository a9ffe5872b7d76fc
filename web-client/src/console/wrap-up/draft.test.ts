import { expect, test } from 'vitest';

import { type DraftStorage, Drafts } from './draft.ts';

class Memory implements DraftStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => {
    this.items.set(key, value);
  };
  removeItem = (key: string): void => {
    this.items.delete(key);
  };
}

test('what was typed is there after a reload, for its own call only', () => {
  const storage = new Memory();
  new Drafts(storage).write('call-1', { outcome: 'defect', notes: 'LED ring flickers' });
  const afterReload = new Drafts(storage);
  expect(afterReload.read('call-1')).toEqual({ outcome: 'defect', notes: 'LED ring flickers' });
  expect(afterReload.read('call-2')).toEqual({ outcome: '', notes: '' });
});

test('a saved wrap-up and an emptied form leave nothing behind', () => {
  const storage = new Memory();
  const drafts = new Drafts(storage);
  drafts.write('call-1', { outcome: '', notes: 'x' });
  drafts.write('call-1', { outcome: '', notes: '' });
  expect(storage.items.size).toBe(0);
  drafts.write('call-1', { outcome: 'defect', notes: '' });
  drafts.forget('call-1');
  expect(storage.items.size).toBe(0);
});

test('a draft that is damaged counts as none', () => {
  const storage = new Memory();
  const drafts = new Drafts(storage);
  for (const text of ['{', '7', 'null', '{"outcome":3,"notes":["x"]}']) {
    storage.setItem('vitrine.wrap-up.call-1', text);
    expect(drafts.read('call-1')).toEqual({ outcome: '', notes: '' });
  }
});

test('a browser without storage, or with a full one, says that nothing is kept and goes on', () => {
  const full: DraftStorage = {
    getItem: () => {
      throw new Error('blocked');
    },
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
    removeItem: () => {
      throw new Error('blocked');
    },
  };
  for (const storage of [undefined, full]) {
    const drafts = new Drafts(storage);
    expect(drafts.write('call-1', { outcome: '', notes: 'x' })).toBe(false);
    expect(drafts.read('call-1')).toEqual({ outcome: '', notes: '' });
    expect(() => drafts.forget('call-1')).not.toThrow();
  }
});
