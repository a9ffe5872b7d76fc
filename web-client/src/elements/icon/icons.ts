/** Our icon set: 24 × 24, drawn with a 1.75 stroke in the text colour. Each entry is the `d` of one path. */
const icons = new Map<string, string>(
  Object.entries({
    mic: 'M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3',
    'mic-off':
      'M15 12V6.5a3 3 0 0 0-5.9-.8M9 9.5v2a3 3 0 0 0 4.5 2.6M5.5 11.5a6.5 6.5 0 0 0 10.2 5.3M18.5 11.5a6.5 6.5 0 0 1-.7 3M12 18v3M4 4l16 16',
    camera: 'M5 6.5h8.5a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15.5 11l5-3v8l-5-3',
    'camera-off':
      'M9.5 6.5h4a2 2 0 0 1 2 2V12m0 1 5 3V8l-5 3M15.5 15.5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 1.6-1.960M4 4l16 16',
    flip: 'M4 11a8 8 0 0 1 14-4.5L20 8.5M20 4v4.5h-4.5M20 13a8 8 0 0 1-14 4.5L4 15.5M4 20v-4.5h4.5',
    chat: 'M5.5 5h13A1.5 1.5 0 0 1 20 6.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.5V17h-1A1.5 1.5 0 0 1 4 15.5v-9A1.5 1.5 0 0 1 5.5 5ZM8 9.5h8M8 12.750h5',
    'hang-up':
      'M3.3 13.9c-.5-1 .1-2.4 1.2-3.2 4.4-3.1 10.6-3.1 15 0 1.1.8 1.7 2.2 1.2 3.2l-.6 1.2c-.4.7-1.2 1-1.9.7l-2.5-1a1.5 1.5 0 0 1-.9-1.3l-.1-1.5a8.6 8.6 0 0 0-5.4 0l-.1 1.5c0 .6-.4 1.1-.9 1.3l-2.5 1c-.7.3-1.5 0-1.9-.7Z',
    screen:
      'M4.5 5h15A1.5 1.5 0 0 1 21 6.5v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 14.5v-8A1.5 1.5 0 0 1 4.5 5ZM9 20h6M12 16v4',
    close: 'm6 6 12 12M18 6 6 18',
    check: 'm5 12.5 4.5 4.5L19 7.5',
    down: 'm6 9.5 6 6 6-6',
    back: 'm14.5 6-6 6 6 6',
    alert: 'M12 4.5 3.5 19h17ZM12 10v4M12 16.5v.010',
    info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 8v.010',
    trash:
      'M4.5 7h15M9.5 7V5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1v2M6.5 7l.8 11.5a1.5 1.5 0 0 0 1.5 1.5h6.4a1.5 1.5 0 0 0 1.5-1.5L17.5 7M10.2 11v5M13.8 11v5',
    speaker: 'M4 10v4h3.5l4.5 4V6l-4.5 4ZM15.5 9.5a3.5 3.5 0 0 1 0 5M18 7a7 7 0 0 1 0 10',
    send: 'M4.5 12 4 5l16.5 7L4 19l.5-7Zm0 0H12',
    user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20a7.5 7.5 0 0 1 15 0',
    clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7.5V12l3 2',
    shield: 'M12 3.5 5 6v5.5c0 4.3 2.9 7.6 7 9 4.1-1.4 7-4.7 7-9V6ZM9 12l2.2 2.2L15.5 10',
    offline:
      'M4 4l16 16M8.5 15.5a5 5 0 0 1 6.3-.6M5.5 12.3a9.5 9.5 0 0 1 4-2.3M18.5 12.3a9.5 9.5 0 0 0-5-2.6M2.8 9a14 14 0 0 1 4.2-2.6M21.2 9A14 14 0 0 0 10 5.7M12 19v.010',
    refresh: 'M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15',
    star: 'm12 3.8 2.5 5.3 5.8.7-4.3 4 1.1 5.7-5.1-2.8-5.1 2.8L8 13.8 3.7 9.8l5.8-.7Z',
    bag: 'M5.5 8.5h13l.8 10a1.5 1.5 0 0 1-1.5 1.5H6.2a1.5 1.5 0 0 1-1.5-1.5ZM8.5 8.5V7.5a3.5 3.5 0 0 1 7 0v1',
  }),
);

/** Adds icons of one surface (the widget should not carry the console's). */
export function registerIcons(more: Record<string, string>): void {
  for (const [name, d] of Object.entries(more)) icons.set(name, d);
}

/** The path of an icon, empty for an unknown name. */
export function iconPath(name: string): string {
  return icons.get(name) ?? '';
}
