// A process of the fault campaign: the whole program with a control line to the campaign. The control line comes first,
// so that crash points of the start can be armed.

import "./control.ts"
import "#main.ts"
