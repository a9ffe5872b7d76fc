// Web Awesome is not used on the staff pages: what it would bring is in our own few elements, on the same tokens as the
// widget, at a tenth of the bytes and without a second theme to keep in step.
import { adoptPageStyles } from '../design/page.ts';
import './app.ts';

adoptPageStyles();
document.body.append(document.createElement('console-app'));
