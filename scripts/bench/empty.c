/* The floor of all floors, and the command in each box that is measured: a static program that does nothing. */
int main(void) { return 0; }
