import { adoptPageStyles } from '../design/page.ts';
import './app.ts';

adoptPageStyles();
document.body.append(document.createElement('console-app'));
