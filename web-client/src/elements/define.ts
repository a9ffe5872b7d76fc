/**
 * Registers a tag unless it is taken: a page may load `widget.js` twice (two tags, two versions), and the second
 * `customElements.define` would throw and leave the page without either.
 */
export function define(tag: string, element: CustomElementConstructor): void {
  if (!customElements.get(tag)) customElements.define(tag, element);
}
