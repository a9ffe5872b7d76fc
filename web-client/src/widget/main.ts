/** `widget.js`: registers `<video-help>`. */
import './video-help.ts';
