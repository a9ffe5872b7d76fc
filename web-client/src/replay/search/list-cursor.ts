/** Moving through a list of rows by keyboard and choosing some of them. No UI: ids in, state out. */

export class ListCursor {
  #ids: readonly string[] = [];
  #chosen: ReadonlySet<string> = new Set();
  #at = 0;
  /** Where a stretch of chosen rows began. */
  #anchor = 0;

  /** Other rows. Whoever was on a row stays on it; what is chosen and gone is no longer chosen. */
  set ids(ids: readonly string[]) {
    const current = this.#ids[this.#at];
    this.#ids = ids;
    const found = current === undefined ? -1 : ids.indexOf(current);
    this.#at = found >= 0 ? found : Math.min(this.#at, Math.max(0, ids.length - 1));
    this.#anchor = this.#at;
    const there = new Set(ids);
    this.#chosen = new Set([...this.#chosen].filter((id) => there.has(id)));
  }

  get ids(): readonly string[] {
    return this.#ids;
  }

  /** The row that has the focus when the list has. */
  get at(): number {
    return this.#at;
  }

  get id(): string | undefined {
    return this.#ids[this.#at];
  }

  /** In the order of the list. */
  get chosen(): string[] {
    return this.#ids.filter((id) => this.#chosen.has(id));
  }

  isChosen(id: string): boolean {
    return this.#chosen.has(id);
  }

  /** To a row; with `extend` everything from where the stretch began is chosen. Says whether there is such a row. */
  to(index: number, extend = false): boolean {
    const at = Math.min(Math.max(0, index), this.#ids.length - 1);
    if (at < 0) return false;
    this.#at = at;
    if (extend) {
      const [low, high] = [Math.min(at, this.#anchor), Math.max(at, this.#anchor)];
      this.#chosen = new Set([...this.#chosen, ...this.#ids.slice(low, high + 1)]);
    } else {
      this.#anchor = at;
    }
    return true;
  }

  /** By some rows. */
  by(rows: number, extend = false): boolean {
    return this.to(this.#at + rows, extend);
  }

  /** Chooses a row, or no longer. */
  toggle(id: string | undefined = this.id): void {
    if (id === undefined) return;
    const chosen = new Set(this.#chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.#chosen = chosen;
    this.#anchor = Math.max(0, this.#ids.indexOf(id));
  }

  /** Chooses all rows, or none when all are chosen. */
  toggleAll(): void {
    this.#chosen = this.#chosen.size === this.#ids.length ? new Set() : new Set(this.#ids);
  }

  /** Chooses nothing. Says whether anything was. */
  clear(): boolean {
    const some = this.#chosen.size > 0;
    this.#chosen = new Set();
    return some;
  }
}
