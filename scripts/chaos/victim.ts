// A process of the fault campaign: the whole program, with a control line to the campaign, which is there first.

import "./orders.ts"
import "#main.ts"
