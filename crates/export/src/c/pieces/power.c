/* |X|^EXPONENT of a bin. */
static number magnitude(real re, real im)
{
    const number a = (number)re, b = (number)im;
    return POWER;
}
