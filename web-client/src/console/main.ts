import { adoptPageStyles } from '../design/page.ts';

adoptPageStyles();
