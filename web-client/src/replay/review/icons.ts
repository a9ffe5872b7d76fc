/** Icons only quality review uses. */
import { registerIcons } from '../../elements/icon/icons.ts';

registerIcons({
  bookmark: 'M7 4h10a1 1 0 0 1 1 1v15l-6-4-6 4V5a1 1 0 0 1 1-1Z',
  up: 'm6 14.5 6-6 6 6',
  copy: 'M9 9h9.500a1 1 0 0 1 1 1v9.500a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM16 9V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3',
  plus: 'M12 5v14M5 12h14',
});
