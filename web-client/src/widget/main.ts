import '../elements/button/button.ts';
