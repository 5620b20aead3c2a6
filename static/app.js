// The front end starts here.
import "htmx.org";
import "htmx-ext-sse";
